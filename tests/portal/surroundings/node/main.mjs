// Serves the Node portal with the documentation's connect page.
import http from "node:http";
import { connect } from "./connect.mjs";
import { login } from "./portal.mjs";

const pages = new Map([["GET /connect", connect], ["POST /login", login]]);
const server = http.createServer((request, response) => {
  const page = pages.get(`${request.method} ${request.url.split("?")[0]}`);
  if (page) page(request, response);
  else response.writeHead(404).end("There is nothing here.");
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
