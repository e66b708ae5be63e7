// xmppjs_kit.js -- clients of @xmpp/client on workers that a test chooses; facts, a line for each.
"use strict";

const readline = require("readline");
const { client, xml } = require("@xmpp/client");
const [, , service, domain, password] = process.argv;
const TIMEOUT = 30000;
const answers = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
let failed = 0;

function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("no " + what)), TIMEOUT);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function check(wanted, got, what) {
  if (wanted !== got) throw new Error(`${what}: ${got}, not ${wanted}`);
}

async function fact(title, act) {
  try {
    await act();
    console.log("ok   " + title);
  } catch (error) {
    failed++;
    console.log("FAIL " + title + "\n" + (error.stack || error));
  }
}

function make(username, resource, pass = password) {
  const it = client({ service, domain, username, resource, password: pass });
  it.reconnect.stop();
  it.on("error", () => {}); // start() rejects with the same
  return it;
}

// What the test says to a line of ours.
async function ask(line) {
  console.log("ask " + line);
  return (await within(answers.next(), "answer")).value;
}

// Logged in on that worker: connects until the kernel chose it.
async function seated(username, resource, worker) {
  for (let i = 0; i < 100; i++) {
    const it = make(username, resource);
    const address = await within(it.start(), "login of " + username);
    check(`${username}@${domain}/${resource}`, address.toString(), "address");
    if ((await ask(`${address} ${worker}`)) === "there") {
      listen(it);
      return it;
    }
    await within(it.stop(), "end");
  }
  throw new Error(`worker ${worker} took none of 100 connections`);
}

// Keeps what comes until hear() asks for it.
function listen(it) {
  it.heard = [];
  it.ears = [];
  it.on("stanza", (stanza) => {
    const ear = it.ears.find((e) => e.fits(stanza));
    if (!ear) {
      it.heard.push(stanza);
      return;
    }
    it.ears.splice(it.ears.indexOf(ear), 1);
    ear.resolve(stanza);
  });
}

// The first stanza that fits, of those that have come or will.
function hear(it, fits, what = "stanza") {
  const at = it.heard.findIndex(fits);
  if (at >= 0) return Promise.resolve(it.heard.splice(at, 1)[0]);
  return within(new Promise((resolve) => it.ears.push({ fits, resolve })), `${what} for ${it.jid}`);
}

// All that was sent until now has been handled, and what it caused here has come.
function handled(it) {
  return within(it.iqCaller.get(xml("ping", "urn:xmpp:ping"), domain), "ping");
}

function bare(it) {
  return it.jid.bare().toString();
}

function end() {
  process.exit(failed ? 1 : 0);
}

function run(main) {
  main().then(end, (error) => {
    console.log("FAIL " + (error.stack || error));
    process.exit(1);
  });
}

module.exports = { xml, domain, within, check, fact, ask, make, seated, hear, handled, bare, run };
