// xmppjs_resume.js -- a client of @xmpp/client keeps its session through kill -9 of its worker and a restart.
"use strict";

const { xml, within, check, fact, ask, seated, hear, handled, bare, run } = require("./xmppjs_kit.js");

const SM = "urn:xmpp:sm:3";
const presence = (type, from) => (stanza) =>
  stanza.is("presence") && stanza.attrs.type === type && stanza.attrs.from === from;

// One sees the other come and go.
async function watch(one, other) {
  await one.send(xml("presence", { to: bare(other), type: "subscribe" }));
  await hear(other, presence("subscribe", bare(one)), "request");
  await other.send(xml("presence", { to: bare(one), type: "subscribed" }));
  await hear(one, presence(undefined, other.jid.toString()), "presence");
}

async function write(from, address, count) {
  for (let i = 0; i < count; i++)
    await from.send(xml("message", { type: "chat", to: address }, xml("body", {}, `line ${i}`)));
  await handled(from);
}

// In order, and each once.
async function read(it, count) {
  const body = (stanza) => stanza.is("message") && stanza.getChildText("body");
  for (let i = 0; i < count; i++) check(`line ${i}`, (await hear(it, body, `line ${i}`)).getChildText("body"), "body");
  await handled(it);
  check(false, it.heard.some(body), "a message that came twice");
}

function lost(it) {
  return within(new Promise((resolve) => it.once("disconnect", resolve)), "end of the connection");
}

// The library does all but the first step, which its user may leave to a timer.
async function comeBack(it) {
  const resumed = new Promise((resolve, reject) => it.on("nonza", function ear(nonza) {
    if (!nonza.is("resumed", SM) && !nonza.is("failed", SM)) return;
    it.removeListener("nonza", ear);
    if (nonza.is("resumed", SM)) resolve();
    else reject(new Error(nonza.toString()));
  }));
  await Promise.all([within(it.reconnect.reconnect(), "connection"), within(resumed, "resumption")]);
}

// Until it is on that worker; each time it is resumed.
async function comeBackTo(it, address, worker) {
  for (let i = 0; i < 100; i++) {
    await comeBack(it);
    check(address, it.jid.toString(), "address");
    if ((await ask(`${address} ${worker}`)) === "there") return;
    const gone = lost(it);
    it.socket.end();
    await gone;
  }
  throw new Error(`worker ${worker} took none of 100 connections`);
}

run(async () => {
  const romeo = await seated("romeo", "orchard", 0);
  const juliet = await seated("juliet", "balcony", 1);
  for (const it of [romeo, juliet]) await it.send(xml("presence"));
  await watch(romeo, juliet);
  const address = juliet.jid.toString(); // without a connection the library has none

  await fact("its worker is killed: what was sent meanwhile comes once and in order, and its contact sees it stay",
    async () => {
      const gone = lost(juliet);
      await ask("kill 1");
      await gone;
      await write(romeo, address, 20);
      await comeBackTo(juliet, address, 0);
      await read(juliet, 20);
      check(undefined, romeo.heard.find(presence("unavailable", address))?.toString(), "unavailable presence");
    });

  await fact("the server stops and starts: the session is there, and gets what is sent before its client comes back",
    async () => {
      const gone = [lost(romeo), lost(juliet)];
      await ask("restart now");
      await Promise.all(gone);
      await comeBack(romeo);
      await write(romeo, address, 20);
      await comeBackTo(juliet, address, 1);
      await read(juliet, 20);
      check(undefined, romeo.heard.find(presence("unavailable", address))?.toString(), "unavailable presence");
    });

  await romeo.stop();
  await juliet.stop();
});
