// xmppjs_im.js -- clients of @xmpp/client keep a roster, are seen, catch up and follow each other's devices.
"use strict";

const crypto = require("crypto");
const { xml, within, check, fact, seated, hear, handled, bare, run } = require("./xmppjs_kit.js");

const ROSTER = "jabber:iq:roster", CARBONS = "urn:xmpp:carbons:2", FORWARD = "urn:xmpp:forward:0";
const MAM = "urn:xmpp:mam:2", RSM = "http://jabber.org/protocol/rsm", BLOCKING = "urn:xmpp:blocking";
const PUBSUB = "http://jabber.org/protocol/pubsub", EVENT = PUBSUB + "#event", NICK = "http://jabber.org/protocol/nick";
const INFO = "http://jabber.org/protocol/disco#info", CAPS = "http://jabber.org/protocol/caps";

const get = (it, ...query) => within(it.iqCaller.get(xml(...query)), query[0]);
const set = (it, ...query) => within(it.iqCaller.set(xml(...query)), query[0]);
const presence = (type, from) => (stanza) =>
  stanza.is("presence") && stanza.attrs.type === type && stanza.attrs.from === from;

// A roster push that says so of that contact.
function push(contact, subscription) {
  return (stanza) => {
    const item = stanza.is("iq") && stanza.attrs.type === "set" && stanza.getChild("query", ROSTER)?.getChild("item");
    return Boolean(item) && item.attrs.jid === contact && item.attrs.subscription === subscription;
  };
}

async function roster(it) {
  const query = await get(it, "query", ROSTER);
  return query.getChildren("item").map((item) => `${item.attrs.jid} ${item.attrs.subscription}`).join(", ");
}

async function ask(one, other) {
  await one.send(xml("presence", { to: bare(other), type: "subscribe" }));
  await hear(other, presence("subscribe", bare(one)), "request");
  await other.send(xml("presence", { to: bare(one), type: "subscribed" }));
  await hear(one, presence("subscribed", bare(other)), "approval");
}

async function say(from, to, text) {
  await from.send(xml("message", { type: "chat", to: to.jid.toString() }, xml("body", {}, text)));
  const message = await hear(to, (stanza) => stanza.getChildText("body") === text, text);
  check(from.jid.toString(), message.attrs.from, "from");
}

async function copy(it, direction, text) {
  const inside = (stanza) => stanza.getChild(direction, CARBONS)?.getChild("forwarded", FORWARD)?.getChild("message");
  const message = await hear(it, (stanza) => inside(stanza)?.getChildText("body") === text, "copy");
  check(bare(it), message.attrs.from, "from of the copy");
}

// One page: the bodies, and the <set/> and completeness of the end.
async function page(it, contact, ...set_) {
  const queryid = crypto.randomUUID();
  const form = xml("x", { xmlns: "jabber:x:data", type: "submit" },
    xml("field", { var: "FORM_TYPE", type: "hidden" }, xml("value", {}, MAM)),
    xml("field", { var: "with" }, xml("value", {}, contact)));
  const query = xml("query", { xmlns: MAM, queryid }, form, xml("set", { xmlns: RSM }, ...set_));
  const fin = (await within(it.iqCaller.request(xml("iq", { type: "set" }, query)), "page")).getChild("fin", MAM);
  const bodies = [];
  const at = (stanza) => stanza.getChild("result", MAM)?.attrs.queryid === queryid;
  while (it.heard.some(at)) {
    const result = (await hear(it, at)).getChild("result", MAM);
    bodies.push(result.getChild("forwarded", FORWARD).getChild("message").getChildText("body"));
  }
  return { bodies, set: fin.getChild("set", RSM), complete: fin.attrs.complete === "true" };
}

async function catch_up(it, contact) {
  const bodies = [];
  let next = [];
  for (;;) {
    const { bodies: more, set, complete } = await page(it, contact, xml("max", {}, "4"), ...next);
    bodies.push(...more);
    if (complete) return bodies;
    next = [xml("after", {}, set.getChildText("last"))];
  }
}

// XEP-0115: the presence of one that takes an interest in nicknames, and the answer that proves it.
async function show_interest(it) {
  const features = [CAPS, INFO, NICK + "+notify"].sort();
  const ver = crypto.createHash("sha1").update(`client/web//js<${features.join("<")}<`).digest("base64");
  it.iqCallee.get(INFO, "query", () => xml("query", { xmlns: INFO, node: "urn:test#" + ver },
    xml("identity", { category: "client", type: "web", name: "js" }), ...features.map((name) => xml("feature", { var: name }))));
  await it.send(xml("presence", {}, xml("c", { xmlns: CAPS, hash: "sha-1", node: "urn:test", ver })));
}

const nick = (value) => (stanza) =>
  stanza.getChild("event", EVENT)?.getChild("items")?.getChild("item")?.getChildText("nick") === value;

run(async () => {
  const phone = await seated("romeo", "phone", 0);
  const desk = await seated("romeo", "desk", 2);
  const juliet = await seated("juliet", "balcony", 1);
  const everybody = [phone, desk, juliet];
  for (const it of everybody) {
    check("", await roster(it), "roster");
    await it.send(xml("presence"));
    await handled(it);
  }

  await fact("both agree, and both devices hear of it", async () => {
    await ask(phone, juliet);
    await ask(juliet, phone);
    await Promise.all([phone, desk].map((it) => hear(it, push(bare(juliet), "both"), "push")));
    await hear(juliet, push(bare(phone), "both"), "push");
    for (const device of [phone, desk]) await hear(juliet, presence(undefined, device.jid.toString()), "presence");
  });
  await fact("a contact is named and put into a group", async () => {
    await set(phone, "query", ROSTER,
      xml("item", { jid: bare(juliet), name: "Juliet \u2665" }, xml("group", {}, "Verona")));
    const named = (stanza) => stanza.getChild("query", ROSTER)?.getChild("item")?.attrs.name === "Juliet \u2665";
    const item = (await hear(desk, named, "push")).getChild("query").getChild("item");
    check("Verona", item.getChildText("group"), "group");
  });
  await fact("a change of presence reaches a contact on another worker", async () => {
    await phone.send(xml("presence", {}, xml("show", {}, "away"), xml("status", {}, "by the wall")));
    const seen = await hear(juliet, (stanza) => stanza.getChildText("status") === "by the wall", "presence");
    check("away", seen.getChildText("show"), "show");
  });
  await fact("a second device on another worker gets copies", async () => {
    await set(desk, "enable", CARBONS);
    await say(phone, juliet, "Lady, by yonder moon");
    await copy(desk, "sent", "Lady, by yonder moon");
    await say(juliet, phone, "Swear not");
    await copy(desk, "received", "Swear not");
    await set(desk, "disable", CARBONS);
  });
  await fact("a device catches up from the archive page by page", async () => {
    const lines = ["Lady, by yonder moon", "Swear not"];
    for (let i = 0; i < 9; i++) {
      lines.push(`line ${i} <&>`);
      await say(juliet, phone, lines.at(-1));
    }
    const found = (await catch_up(desk, bare(juliet))).slice(-lines.length);
    check(lines.join("\n"), found.join("\n"), "what it finds");
    const latest = await page(desk, bare(juliet), xml("max", {}, "1"), xml("before"));
    check("line 8 <&>", latest.bodies.join(), "the latest");
  });
  await fact("who shows an interest gets the nickname", async () => {
    await show_interest(juliet);
    await set(phone, "pubsub", PUBSUB, xml("publish", { node: NICK }, xml("item", {}, xml("nick", { xmlns: NICK }, "Montague"))));
    check(bare(phone), (await hear(juliet, nick("Montague"), "event")).attrs.from, "from");
  });
  await fact("who is blocked on one device is silent on the other, until that ends", async () => {
    for (const device of [phone, desk]) await get(device, "blocklist", BLOCKING);
    await set(phone, "block", BLOCKING, xml("item", { jid: bare(juliet) }));
    await hear(desk, (stanza) => stanza.getChild("block", BLOCKING), "push");
    await juliet.send(xml("message", { to: desk.jid.toString() }, xml("body", {}, "there?")));
    await handled(juliet);
    await handled(desk);
    check(false, desk.heard.some((stanza) => stanza.getChildText("body") === "there?"), "heard");
    await set(desk, "unblock", BLOCKING, xml("item", { jid: bare(juliet) }));
    await hear(phone, (stanza) => stanza.getChild("unblock", BLOCKING), "push");
    await say(juliet, desk, "and now?");
  });
  await fact("a contact that is removed is told, and no longer sees", async () => {
    await set(desk, "query", ROSTER, xml("item", { jid: bare(juliet), subscription: "remove" }));
    await hear(phone, push(bare(juliet), "remove"), "push");
    await hear(juliet, push(bare(phone), "none"), "push");
    for (const device of [phone, desk]) await hear(juliet, presence("unavailable", device.jid.toString()), "end");
    check("", await roster(phone), "roster");
    check(`${bare(phone)} none`, await roster(juliet), "roster");
  });
  for (const it of everybody) await within(it.stop(), "end");
});
