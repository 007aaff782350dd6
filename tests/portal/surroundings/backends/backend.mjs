// A dashboard in Node that answers with whose session it is.
import http from "node:http";

const server = http.createServer((request, response) => {
  // the documentation's lines
  response.end(subject);
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
