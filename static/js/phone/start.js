// On every page: what this phone may keep and for whom, sending what waits, and the list of it where a page has one.

import * as list from "./list.js";
import { nextDelay, sendAll } from "./sender.js";
import * as shelf from "./shelf.js";
import * as store from "./store.js";

const { person, isClient, isFrontDoor, root, worker, kept } = settings();
let timer;

function settings() {
  const meta = document.querySelector('meta[name="desk-phone"]');
  return { person: meta.content, isClient: "client" in meta.dataset, isFrontDoor: "frontDoor" in meta.dataset, root: meta.dataset.root, worker: meta.dataset.worker, kept: meta.dataset.kept?.split(" ") ?? [] };
}

async function begin() {
  // Who is sent to sign in because the time ran out comes back; who comes by the front door has signed out.
  if (person || isFrontDoor) await shelf.forgetOthers(person || "nobody");
  if (isClient) whenIdle(keepForLater);
  if (!(await store.isUsable())) return;
  list.show(person, () => trySending({ force: true }));
  if (!person) return;
  store.listen(plan);
  addEventListener("online", () => trySending({ force: true }));
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && trySending());
  trySending({ force: true });
}

// Not before the page is done: nobody waits for what they may never need.
function whenIdle(act) {
  const soon = self.requestIdleCallback ?? ((later) => setTimeout(later, 500));
  if (document.readyState === "complete") soon(act);
  else addEventListener("load", () => soon(act), { once: true });
}

async function keepForLater() {
  try {
    await navigator.serviceWorker?.register(worker, { type: "module", updateViaCache: "none" });
  } catch {
    // No worker in this browser: reports are kept all the same, while a page of the desk is open.
  }
  await shelf.refresh(person, kept);
}

async function trySending({ force = false } = {}) {
  if (!navigator.onLine) return;
  await sendAll(root, { person, force });
  plan();
}

async function plan() {
  const delay = await nextDelay(person);
  clearTimeout(timer);
  if (delay !== null) timer = setTimeout(trySending, Math.max(delay, 2_000));
}

document.addEventListener("submit", (event) => event.target.action?.endsWith("/sign-out") && shelf.forgetOthers("nobody"));

begin();
