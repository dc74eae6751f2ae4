// The card of reports kept on this phone: what waits, what is being sent, what has to be answered or corrected.
// All its words stand in the page ([data-kept-reports] and its templates), in the reader's language.

import * as store from "./store.js";

const SHOWN_AFTER_SENDING = 24 * 3600_000;
let latest = 0;
let sending = null;
let isSignedOut = false;

export async function show(person, send) {
  store.listen((message) => {
    if ("sending" in message) sending = message.sending;
    if (message.signedOut) isSignedOut = true;
    draw(person, send);
  });
  addEventListener("online", () => draw(person, send));
  addEventListener("offline", () => draw(person, send));
  await draw(person, send);
}

async function draw(person, send) {
  const turn = ++latest;
  const all = await store.list();
  if (turn !== latest) return;
  drawCount(all.filter((report) => report.state !== "sent"));
  const card = document.querySelector("[data-kept-reports]");
  document.querySelectorAll("[data-offline-only]").forEach((words) => { words.hidden = navigator.onLine; });
  if (!card || !person) return;
  // The one that is open in the form below is not told twice.
  const own = all.filter((report) => report.person === person && report.key !== card.dataset.except && !isOver(report, card));
  card.hidden = own.length === 0;
  card.querySelector("[data-kept-count]").textContent = own.length;
  card.querySelector("[data-kept-list]").replaceChildren(...own.map((report) => row(card, report, send)));
  card.querySelector("[data-kept-sign-in]").hidden = !(isSignedOut && own.some((report) => report.state === "waiting"));
  document.querySelectorAll("[data-kept-none]").forEach((words) => { words.hidden = own.length > 0; });
}

// Before signing in nobody is told whose they are or what is in them.
function drawCount(waiting) {
  const words = document.querySelector("[data-kept-elsewhere]");
  if (!words) return;
  words.hidden = waiting.length === 0;
  words.querySelector("[data-kept-count]").textContent = waiting.length;
}

// One that was sent whole says its number for a day, where a page has room; one with a refused photo until it was seen.
function isOver(report, card) {
  if (report.state !== "sent" || report.photos.some((photo) => photo.state === "refused")) return false;
  return "hideSent" in card.dataset || Date.now() - report.sentAt > SHOWN_AFTER_SENDING;
}

function row(card, report, send) {
  const item = card.querySelector("[data-kept-item]").content.cloneNode(true).firstElementChild;
  const part = (name) => item.querySelector(`[data-kept="${name}"]`);
  const state = stateOf(report);
  item.dataset.state = state;
  part("plate").textContent = valueOf(report, "plate");
  part("badge").append(card.querySelector(`[data-kept-badge="${state}"]`).content.cloneNode(true));
  part("facts").textContent = [fill(card.dataset.typed, { time: time(report.typedAt) }), report.photos.length ? fill(card.dataset.photos, { count: report.photos.length }) : ""].filter(Boolean).join(" · ");
  part("story").textContent = valueOf(report, "description");
  drawProgress(part("progress"), card, report, state);
  drawWords(part("words"), card, report);
  drawNumber(part("number"), report);
  drawButtons(item, report, state, send, card);
  return item;
}

function stateOf(report) {
  if (report.state !== "waiting") return report.state;
  if (sending === report.key) return "sending";
  return isSignedOut ? "signin" : "waiting";
}

function drawProgress(box, card, report, state) {
  const total = report.photos.reduce((sum, photo) => sum + photo.size, 0);
  box.hidden = !report.number || report.state !== "waiting" || total === 0;
  if (box.hidden) return;
  const done = report.photos.filter((photo) => photo.state !== "open").length;
  const bytes = report.photos.reduce((sum, photo) => sum + (photo.state === "open" ? photo.received : photo.size), 0);
  const bar = box.querySelector("progress");
  bar.max = total;
  bar.value = bytes;
  const words = fill(state === "sending" ? card.dataset.progress : card.dataset.stopped, { done, all: report.photos.length });
  bar.setAttribute("aria-label", words);
  box.querySelector("span").textContent = words;
}

function drawWords(list, card, report) {
  const fields = Object.values(report.fieldErrors ?? {}).flat();
  const refused = report.photos.filter((photo) => photo.state === "refused");
  const photos = refused.map((photo) => photo.message || fill(card.dataset.lost, { filename: photo.name }));
  const sentences = [...(report.messages ?? []), ...fields, ...photos].filter(Boolean);
  list.hidden = sentences.length === 0;
  list.classList.toggle("text-bad", report.state !== "question");
  list.replaceChildren(...sentences.map((sentence) => Object.assign(document.createElement("li"), { textContent: sentence })));
}

function drawNumber(link, report) {
  link.hidden = !report.number;
  if (!report.number) return;
  link.href = report.url;
  link.textContent = report.number;
}

function drawButtons(item, report, state, send, card) {
  const buttons = Object.fromEntries([...item.querySelectorAll("[data-kept-do]")].map((one) => [one.dataset.keptDo, one]));
  const isOpen = report.state !== "sent";
  buttons.edit.hidden = !isOpen || report.state === "question";
  buttons.edit.href = `${buttons.edit.dataset.href}?kept=${encodeURIComponent(report.key)}`;
  buttons.send.hidden = state !== "waiting" || !navigator.onLine;
  buttons.send.onclick = send;
  buttons.remove.hidden = !isOpen;
  buttons.remove.onclick = () => confirm(report.number ? card.dataset.removeArrived : card.dataset.remove) && store.remove(report.key);
  buttons.done.hidden = isOpen;
  buttons.done.onclick = () => store.remove(report.key);
  drawQuestion(item.querySelector('[data-kept="question"]'), report, send);
}

// The desk has a report that may be of the same accident: the answer goes with the next try.
function drawQuestion(box, report, send) {
  box.hidden = report.state !== "question";
  if (box.hidden) return;
  box.querySelector("[data-kept-new]").onclick = () => answer(report.key, "new", send);
  const choices = (report.claims ?? []).map((claim) => {
    const kind = claim.likeness === "same_vehicle" ? "same" : "linked";
    const button = box.querySelector(`[data-kept-${kind}]`).content.cloneNode(true).firstElementChild;
    button.textContent = [button.textContent, claim.plate, claim.number].join(" ");
    button.onclick = () => answer(report.key, `${kind}:${claim.number}`, send);
    return button;
  });
  box.append(...choices);
}

// `duplicate` is the report form's own field for the answer.
async function answer(key, given, send) {
  await store.change(key, (report) => {
    report.fields = [...report.fields.filter(([name]) => name !== "duplicate"), ["duplicate", given]];
    Object.assign(report, { state: "waiting", messages: [], claims: [], html: "", nextAt: 0 });
  });
  send();
}

function valueOf(report, name) {
  return report.fields.find(([field]) => field === name)?.[1] ?? "";
}

export function fill(sentence, values) {
  return Object.entries(values).reduce((words, [name, value]) => words.replace(`{${name}}`, value), sentence);
}

// As the desk writes times: 11-22 17:40, where the vehicles drive.
export function time(at) {
  return new Date(at).toLocaleString("sv-SE", { timeZone: "Asia/Shanghai" }).slice(5, 16);
}
