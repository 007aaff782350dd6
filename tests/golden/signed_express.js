// What cookie-signature and cookie say, asked by signed_express.py: one JSON text a line in, one a line out.
'use strict';

const cookie = require('cookie');
const signature = require('cookie-signature');

const answers = {
  versions: () => ['cookie-signature', 'cookie'].map((name) => require(`${name}/package.json`).version),
  sign: ({ text, secret }) => signature.sign(text, secret),
  // express-session 1.19.0, setcookie(): what stands between the name's = and the first ;
  make: ({ text, secret }) => cookie.serialize('name', 's:' + signature.sign(text, secret)).slice('name='.length),
  // express-session 1.19.0, getcookie(): the id, or false
  judge: ({ header, name, secret }) => {
    const raw = cookie.parse(header)[name];
    return raw !== undefined && raw.slice(0, 2) === 's:' && signature.unsign(raw.slice(2), secret) !== false;
  },
};

require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const question = JSON.parse(line);
  process.stdout.write(JSON.stringify(answers[question.ask](question)) + '\n');
});
