// xmppjs_client.js -- two clients of @xmpp/client that talk; says one line a fact, and ends with the status.
"use strict";

const { xml, domain, within, check, fact, make, seated, hear, run } = require("./xmppjs_kit.js");

async function say(from, to, text) {
  await from.send(xml("message", { type: "chat", to: to.jid.toString() }, xml("body", {}, text)));
  const message = await hear(to, (stanza) => stanza.is("message"));
  check(from.jid.toString(), message.attrs.from, "from");
  check(text, message.getChildText("body"), "body");
}

run(async () => {
  const romeo = await seated("romeo", "orchard", 0);
  const juliet = await seated("juliet", "balcony", 1);
  await romeo.send(xml("presence"));
  await juliet.send(xml("presence"));

  await fact("they hear each other both ways", async () => {
    for (let i = 0; i < 20; i++) {
      await say(romeo, juliet, `line ${i} \u2665 <&>`);
      await say(juliet, romeo, `line ${i} back`);
    }
  });
  await fact("a query to the server is answered", async () => {
    const answer = await within(romeo.iqCaller.get(xml("query", "jabber:iq:version"), domain), "version");
    check("Rookery", answer.getChildText("name"), "name");
  });
  await fact("a query to a client is answered by that client", async () => {
    juliet.iqCallee.get("jabber:iq:version", "query", () =>
      xml("query", "jabber:iq:version", xml("name", {}, "of Juliet")),
    );
    const answer = await within(
      romeo.iqCaller.get(xml("query", "jabber:iq:version"), juliet.jid.toString()), "version");
    check("of Juliet", answer.getChildText("name"), "name");
  });
  await fact("a message to nobody comes back as an error", async () => {
    await romeo.send(xml("message", { to: "nobody@" + domain }, xml("body", {}, "?")));
    check("error", (await hear(romeo, (stanza) => stanza.is("message"))).attrs.type, "type");
  });
  await fact("a wrong password is refused with not-authorized", async () => {
    const stranger = make("romeo", "x", "wrong");
    let condition = "logged in";
    try {
      await within(stranger.start(), "refusal");
    } catch (error) {
      condition = error.condition;
    }
    await stranger.stop().catch(() => {});
    check("not-authorized", condition, "condition");
  });
  await fact("they leave in order", async () => {
    await within(romeo.stop(), "end of Romeo");
    await within(juliet.stop(), "end of Juliet");
  });
});
