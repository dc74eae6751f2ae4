// The report form on a phone: what is sent is kept on the phone first, so that no signal, no session and no cut line
// can lose it. Then it is sent at once where that is possible. Without a store the form is an ordinary one.

import { fill } from "./list.js";
import { sendAll } from "./sender.js";
import * as shelf from "./shelf.js";
import * as store from "./store.js";

const form = document.querySelector("form[data-phone-report]");
const meta = document.querySelector('meta[name="desk-phone"]').dataset;
const person = document.querySelector('meta[name="desk-phone"]').content;
const NOT_TYPED = new Set(["csrf_token", "idempotency_key", "photos", "kept"]);
const FORM_GETS_OLD = 2 * 60_000;
let earlier = null;
let isBusy = false;

async function begin() {
  if (!(await store.isUsable())) return;
  // The originals are sent: pieces get through where a whole photo would not.
  delete form.querySelector("[data-photo-input]").dataset.maxEdge;
  await openKept();
  if (!earlier) setNow();
  // The form may have come from the phone's shelf, where each of its openings would bear the same key.
  form.elements.idempotency_key.value = earlier?.key ?? makeKey();
  document.querySelector("[data-kept-reports]").dataset.except = form.elements.idempotency_key.value;
  store.tell();
  form.addEventListener("submit", onSubmit);
  form.addEventListener("suggest:unreachable", suggest);
  form.addEventListener("cover:unreachable", showCover);
}

// A form from the shelf would give the time at which it was laid there.
function setNow() {
  const field = form.elements.loss_at;
  const now = new Date().toLocaleString("sv-SE", { timeZone: "Asia/Shanghai" }).slice(0, 16).replace(" ", "T");
  if (field.value === field.defaultValue && Date.parse(now) - Date.parse(field.value) > FORM_GETS_OLD) field.value = now;
}

function makeKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function onSubmit(event) {
  if (event.defaultPrevented) return;
  event.preventDefault();
  if (isBusy) return;
  isBusy = true;
  // Before the buttons are locked: a locked one would not say which answer it is.
  const typed = [...new FormData(form, event.submitter)];
  setBusy(true);
  const report = await keep(typed).catch(() => null);
  if (report) {
    form.dispatchEvent(new CustomEvent("form:kept", { bubbles: true }));
    await sendAndGoOn(report.key).catch(showList);
  } else {
    sendAsOrdinary();
  }
  isBusy = false;
  setBusy(false);
}

// The phone has no room: what can be sent now is sent as a form without script would be.
function sendAsOrdinary() {
  if (navigator.onLine) form.submit();
  else form.append(document.getElementById("offline-words").content.cloneNode(true));
}

function setBusy(isOn) {
  form.querySelector("[data-phone-sending]").hidden = !isOn;
  form.querySelectorAll('button[type="submit"]').forEach((button) => {
    button.disabled = isOn;
    button.toggleAttribute("aria-busy", isOn);
  });
}

async function keep(typed) {
  const fields = typed.filter(([name, value]) => !NOT_TYPED.has(name) && typeof value === "string");
  const ticked = new Set([...form.querySelectorAll('input[name="kept"]:checked')].map((box) => box.value));
  const blobs = new Map();
  const photos = (earlier?.photos ?? []).filter((photo) => ticked.has(photo.id));
  for (const file of form.elements.photos.files) {
    const id = makeKey();
    blobs.set(id, file);
    photos.push({ id, name: file.name, size: file.size, sha256: await hash(file), received: 0, state: "open", message: "" });
  }
  const report = {
    key: form.elements.idempotency_key.value,
    person,
    account: meta.account,
    fields,
    photos,
    typedAt: Date.now(),
    state: "waiting",
    number: earlier?.number ?? null,
    url: earlier?.url ?? null,
  };
  await store.keep(report, blobs);
  earlier = report;
  navigator.storage?.persist?.();
  return report;
}

// Empty where the page was not opened safely (plain http): the server then knows the photo by its id alone.
async function hash(file) {
  if (!crypto.subtle) return "";
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function sendAndGoOn(key) {
  if (navigator.onLine) await sendAll(meta.root, { person, force: true });
  const report = await store.get(key);
  if (!report) return;
  if (report.state === "waiting") wakeUpLater();
  if (report.number) {
    if (report.state === "sent" && !report.photos.some((photo) => photo.state === "refused")) await store.remove(key);
    location.assign(report.url);
  } else if (report.state === "question" && report.html) showQuestion(report);
  else if (report.state === "refused") location.assign(`${location.pathname}?kept=${encodeURIComponent(key)}`);
  else showList();
}

// The desk's own comparison with the reports it has, as a step of this form: its buttons are the answers.
function showQuestion(report) {
  form.querySelector("#similar")?.remove();
  form.insertAdjacentHTML("beforeend", report.html);
  form.dispatchEvent(new CustomEvent("steps:refused", { detail: { focus: true } }));
}

// Where the browser can, it sends what waits once there is a network, with no page of the desk open.
function wakeUpLater() {
  navigator.serviceWorker?.ready.then((worker) => worker.sync?.register("desk-reports")).catch(() => {});
}

// The form makes room for the list of what waits.
function showList() {
  form.hidden = true;
  const card = document.querySelector("[data-kept-reports]");
  delete card.dataset.except;
  delete card.dataset.hideSent;
  card.hidden = false;
  store.tell();
  document.querySelector("[data-phone-another]").hidden = false;
  window.scrollTo(0, 0);
  card.focus();
}

async function openKept() {
  const key = new URLSearchParams(location.search).get("kept");
  const report = key ? await store.get(key) : null;
  if (report?.person !== person) return;
  earlier = report;
  report.fields.forEach(([name, value]) => setField(name, value));
  form.dispatchEvent(new Event("change", { bubbles: true }));
  form.querySelector('[name="injured"]:checked')?.dispatchEvent(new Event("change", { bubbles: true }));
  await showKeptPhotos(report);
  showRefusals(report);
  form.dispatchEvent(new CustomEvent("steps:refused"));
}

function setField(name, value) {
  const field = form.elements.namedItem(name);
  if (field?.type === "checkbox") field.checked = true;
  else if (field) field.value = value;
}

async function showKeptPhotos(report) {
  const place = form.querySelector("[data-phone-photos]");
  place.hidden = report.photos.length === 0;
  const list = place.querySelector("ul");
  for (const photo of report.photos) {
    const item = place.querySelector("template").content.cloneNode(true).firstElementChild;
    const blob = await store.photo(report.key, photo.id);
    const [picture, box, label] = [item.querySelector("img"), item.querySelector("input"), item.querySelector("label")];
    if (blob) picture.src = URL.createObjectURL(blob);
    picture.alt = photo.name;
    box.name = "kept";
    box.value = photo.id;
    box.id = `kept-${photo.id}`;
    label.htmlFor = box.id;
    label.querySelector("[data-photo-name]").textContent = photo.name;
    list.append(item);
  }
}

function showRefusals(report) {
  const box = form.querySelector("[data-phone-refusals]");
  const entries = Object.entries(report.fieldErrors ?? {});
  box.hidden = entries.length === 0 && !report.messages?.length;
  if (box.hidden) return;
  const list = box.querySelector("ul");
  list.replaceChildren(...(report.messages ?? []).map((words) => line(words)), ...entries.map(([name, errors]) => line(errors.join(" "), name)));
  entries.forEach(([name, errors]) => markField(name, errors.join(" ")));
  box.focus();
}

function line(words, name = "") {
  const item = document.createElement("li");
  const field = name && document.getElementById(name);
  if (!field) {
    item.textContent = words;
    return item;
  }
  const link = Object.assign(document.createElement("a"), { href: `#${name}`, textContent: labelOf(name) });
  item.append(link, `: ${words}`);
  return item;
}

function labelOf(name) {
  const field = document.getElementById(name);
  return (field.labels?.[0] ?? field.closest("fieldset")?.querySelector("legend"))?.firstChild.textContent.trim() ?? name;
}

function markField(name, words) {
  const field = document.getElementById(name);
  const place = field?.closest(".field");
  if (!place) return;
  const error = form.querySelector("[data-phone-field-error]").content.cloneNode(true).firstElementChild;
  error.id = `${name}-error`;
  error.querySelector("span").textContent = words;
  place.append(error);
  field.classList.add("is-invalid");
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", [field.getAttribute("aria-describedby"), error.id].filter(Boolean).join(" "));
}

const keptVehicles = () => shelf.vehicles(person, meta.vehicles);
const plain = (plate) => plate.toUpperCase().replace(/[\s·.\-]/g, "");

async function suggest(event) {
  const held = await keptVehicles();
  const wanted = plain(event.detail.words);
  event.detail.show((held?.vehicles ?? []).filter((vehicle) => plain(vehicle.value).includes(wanted)).slice(0, 10));
}

async function showCover(event) {
  const target = event.target;
  const held = await keptVehicles();
  target.replaceChildren();
  const plate = plain(event.detail.plate);
  if (!held || !plate) return;
  const vehicle = held.vehicles.find((one) => plain(one.value) === plate);
  const card = form.querySelector(`[data-phone-cover="${vehicle ? "known" : "unknown"}"]`).content.cloneNode(true).firstElementChild;
  target.append(card);
  if (!vehicle) return;
  card.querySelector(".plate").textContent = vehicle.label;
  card.querySelector("[data-detail]").textContent = vehicle.detail;
  card.querySelector("[data-as-of]").textContent = held.as_of;
  card.querySelector("ul").append(...vehicle.lines.map(([tone, words]) => coverLine(tone, words)));
}

function coverLine(tone, words) {
  const line = form.querySelector(`[data-phone-cover-line="${tone}"]`).content.cloneNode(true).firstElementChild;
  line.querySelector("[data-words]").textContent = words;
  return line;
}

// How far the report that is being sent has come.
store.listen(async () => {
  const report = isBusy ? await store.get(form.elements.idempotency_key.value) : null;
  const words = form.querySelector("[data-phone-progress]");
  const done = report?.photos.filter((photo) => photo.state !== "open").length;
  words.textContent = report?.number ? fill(words.dataset.progress, { number: report.number, done, all: report.photos.length }) : "";
});

begin();
