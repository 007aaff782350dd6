// A portal in Node, all but its connect page: whoever signs in is who they say they are.
import crypto from "node:crypto";

const people = new Map();

const COOKIE = /(?:^|; )portal=([0-9a-f]{32})(?:;|$)/;

export const userOf = (request) => people.get(COOKIE.exec(request.headers.cookie ?? "")?.[1]);

export async function login(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const id = crypto.randomBytes(16).toString("hex");
  people.set(id, new URLSearchParams(Buffer.concat(chunks).toString()).get("user"));
  response.writeHead(204, { "Set-Cookie": `portal=${id}; Path=/; HttpOnly` }).end();
}
