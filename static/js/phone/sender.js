// Sends the reports this phone keeps: the facts first, so that there is a number at once, then each photo piece by
// piece from where the last try ended. All of it may be sent again: the server knows the report by its key and each
// photo by its id. Runs in a page or in the service worker, one at a time.

import * as store from "./store.js";

const PIECE = 256 * 1024;
const FIRST_DELAY = 15_000;
const LONGEST_DELAY = 15 * 60_000;
const TIMEOUT = 45_000;

class SignedOut extends Error {}
class Unreachable extends Error {}

// `force`: the network has just come back or somebody asks for it, so no delay is waited for. The worker does not
// know who is signed in (`person` null); the server says it, and only that person's reports are sent.
export function sendAll(root, { person = null, force = false } = {}) {
  const act = () => sendDue(root, person, force);
  if (!navigator.locks) return act();
  return navigator.locks.request("desk-phone-sender", { ifAvailable: !force }, (lock) => (lock ? act() : null));
}

// Milliseconds until this person's next report is due; null when none waits.
export async function nextDelay(person) {
  const waiting = (await store.list()).filter((report) => report.person === person && report.state === "waiting");
  const times = waiting.map((report) => report.nextAt ?? 0);
  return times.length ? Math.max(0, Math.min(...times) - Date.now()) : null;
}

async function sendDue(root, person, force) {
  const tried = new Set();
  let session = null;
  for (;;) {
    const reports = await store.list();
    const report = reports.find((one) => !tried.has(one.key) && isDue(one, person, force));
    if (!report) return;
    tried.add(report.key);
    try {
      session ??= await openSession(root);
      if (report.person === session.person) await send(root, report.key, session);
    } catch (error) {
      if (!(error instanceof SignedOut || error instanceof Unreachable)) throw error;
      await store.change(report.key, putOff);
      if (error instanceof SignedOut) {
        store.tell({ signedOut: true });
        return;
      }
    } finally {
      store.tell({ sending: null });
    }
  }
}

function isDue(report, person, force) {
  return report.state === "waiting" && (person === null || report.person === person) && (force || (report.nextAt ?? 0) <= Date.now());
}

function putOff(report) {
  report.attempts = (report.attempts ?? 0) + 1;
  report.nextAt = Date.now() + Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** (report.attempts - 1));
}

async function openSession(root) {
  const answer = await ask(`${root}/api/phone/session`);
  if (!answer.ok) throw new Unreachable();
  return answer.json();
}

// A cut line and a server that is not itself are the same to the report: it waits.
async function ask(url, options = {}) {
  let answer;
  try {
    answer = await fetch(url, { ...options, headers: { Accept: "application/json", ...options.headers }, signal: AbortSignal.timeout?.(TIMEOUT) });
  } catch {
    throw new Unreachable();
  }
  if (answer.status === 401 || answer.redirected) throw new SignedOut();
  if (answer.status >= 500 || answer.status === 429 || answer.status === 408) throw new Unreachable();
  return answer;
}

async function post(root, url, body, session) {
  const send = () => ask(url, { method: "POST", body, headers: { "X-CSRFToken": session.csrf_token } });
  const answer = await send();
  if (answer.status !== 400) return answer;
  // The token may belong to a session that ended meanwhile; the next one tells who is signed in now.
  const fresh = await openSession(root);
  if (fresh.person !== session.person) throw new SignedOut();
  session.csrf_token = fresh.csrf_token;
  return send();
}

async function send(root, key, session) {
  store.tell({ sending: key });
  let report = await store.get(key);
  if (report && !report.told) report = await sendFacts(root, report, session);
  if (report?.state !== "waiting") return;
  for (const photo of report.photos) await sendPhoto(root, report, photo.id, session);
  await store.change(key, (one) => {
    if (one.state === "waiting" && one.told && one.photos.every((photo) => photo.state !== "open")) Object.assign(one, { state: "sent", sentAt: Date.now() });
  });
}

function factsOf(report, session) {
  const body = new FormData();
  report.fields.forEach(([name, value]) => body.append(name, value));
  body.set("idempotency_key", report.key);
  body.set("csrf_token", session.csrf_token);
  body.set("person", report.person);
  body.set("account", report.account);
  body.set("waited_seconds", Math.max(0, Date.now() - report.typedAt) / 1000);
  body.set("photos", JSON.stringify(report.photos.map(({ id, name, size, sha256 }) => ({ key: id, name, size, sha256 }))));
  return body;
}

async function sendFacts(root, report, session) {
  const answer = await post(root, `${root}/api/phone/reports`, factsOf(report, session), session);
  const said = await bodyOf(answer);
  return store.change(report.key, (one) => {
    // Changed while it was on its way: it is sent once more as it is now.
    if (one.typedAt !== report.typedAt) return;
    if (answer.ok) noteArrival(one, said);
    else if (said.state === "question") Object.assign(one, { state: "question", messages: [said.message], claims: said.claims, html: said.html });
    else Object.assign(one, { state: "refused", messages: said.messages ?? [said.error?.message ?? ""], fieldErrors: said.fields ?? {} });
  });
}

// An answer that is no JSON comes from something between here and the desk.
async function bodyOf(answer) {
  try {
    return await answer.json();
  } catch {
    throw new Unreachable();
  }
}

function noteArrival(report, said) {
  Object.assign(report, { told: true, number: said.number, url: said.url, messages: [], fieldErrors: {}, attempts: 0, nextAt: 0 });
  report.photos.forEach((photo) => notePhoto(photo, said.photos[photo.id]));
}

function notePhoto(photo, said) {
  if (said) Object.assign(photo, { state: said.state, received: said.received ?? photo.received, message: said.message ?? "" });
}

async function sendPhoto(root, report, id, session) {
  const url = `${root}/api/phone/reports/${encodeURIComponent(report.key)}/photos/${encodeURIComponent(id)}`;
  const blob = await store.photo(report.key, id);
  for (;;) {
    const now = await store.get(report.key);
    const photo = now?.photos.find((one) => one.id === id);
    if (!photo || photo.state !== "open" || !now.told) break;
    if (!blob) {
      await store.change(report.key, (one) => notePhoto(one.photos.find((other) => other.id === id), { state: "refused" }));
      break;
    }
    const body = new FormData();
    body.set("offset", photo.received);
    body.set("piece", blob.slice(photo.received, photo.received + PIECE), "piece");
    const answer = await post(root, url, body, session);
    await notePiece(report.key, id, answer);
  }
  const done = (await store.get(report.key))?.photos.find((one) => one.id === id);
  if (done && done.state !== "open") await store.dropPhoto(report.key, id);
}

async function notePiece(key, id, answer) {
  const said = await bodyOf(answer);
  // The desk does not know it, or cannot take it now: the report is announced again, which tells where to go on.
  if (!("received" in said)) {
    await store.change(key, (one) => { one.told = false; });
    throw new Unreachable();
  }
  await store.change(key, (one) => {
    const photo = one.photos.find((other) => other.id === id);
    if (photo) notePhoto(photo, said);
  });
}
