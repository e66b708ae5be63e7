// xmppjs_client.js -- two clients of @xmpp/client that talk; says one line a fact, and ends with the status.
"use strict";

const { client, xml } = require("@xmpp/client");
const [, , service, domain, password] = process.argv;
const TIMEOUT = 30000;
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

async function online(username, resource) {
  const it = make(username, resource);
  const address = await within(it.start(), "login of " + username);
  check(`${username}@${domain}/${resource}`, address.toString(), "address");
  await it.send(xml("presence"));
  return it;
}

// The next stanza that fits.
function hear(it, fits) {
  return within(
    new Promise((resolve) => {
      const listen = (stanza) => {
        if (!fits(stanza)) return;
        it.off("stanza", listen);
        resolve(stanza);
      };
      it.on("stanza", listen);
    }),
    "stanza",
  );
}

async function say(from, to, text) {
  const heard = hear(to, (stanza) => stanza.is("message"));
  await from.send(xml("message", { type: "chat", to: to.jid.toString() }, xml("body", {}, text)));
  const message = await heard;
  check(from.jid.toString(), message.attrs.from, "from");
  check(text, message.getChildText("body"), "body");
}

async function main() {
  const romeo = await online("romeo", "orchard");
  const juliet = await online("juliet", "balcony");
  console.log(`online ${romeo.jid} ${juliet.jid}`);
  await within(new Promise((resolve) => process.stdin.once("data", resolve)), "word to go on");

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
    const heard = hear(romeo, (stanza) => stanza.is("message"));
    await romeo.send(xml("message", { to: "nobody@" + domain }, xml("body", {}, "?")));
    check("error", (await heard).attrs.type, "type");
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
  process.exit(failed ? 1 : 0);
}

main().catch((error) => {
  console.log("FAIL " + (error.stack || error));
  process.exit(1);
});
