// The service worker: files of the shell from the phone, pages from the network and, without one, the form and the
// list of kept reports from the shelf of the person signed in.

import { sendAll } from "./sender.js";
import { renew } from "./shelf.js";
import { list } from "./store.js";

const PATIENCE = 5_000;

export function start({ version, shell, root, offline }) {
  const shellName = `desk-shell-${version}`;
  const paths = new Set(shell);

  self.addEventListener("install", (event) => event.waitUntil(install()));
  self.addEventListener("activate", (event) => event.waitUntil(activate()));
  self.addEventListener("sync", (event) => event.waitUntil(sync()));
  self.addEventListener("fetch", (event) => {
    const { request } = event;
    const url = new URL(request.url);
    if (request.method !== "GET" || url.origin !== self.location.origin) return;
    if (request.mode === "navigate") event.respondWith(page(request, url.pathname));
    else if (paths.has(url.pathname)) event.respondWith(file(request));
  });

  async function install() {
    const cache = await caches.open(shellName);
    // Past the browser's own cache, which may hold files of the version before.
    await cache.addAll([...shell, offline].map((url) => new Request(url, { cache: "reload" })));
    await self.skipWaiting();
  }

  async function activate() {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name.startsWith("desk-shell-") && name !== shellName).map((name) => caches.delete(name)));
    await self.clients.claim();
    await renew();
  }

  // What still waits makes the browser try again later.
  async function sync() {
    await sendAll(root, { force: true });
    if ((await list()).some((report) => report.state === "waiting")) throw new Error("a report still waits");
  }

  async function file(request) {
    const cache = await caches.open(shellName);
    return (await cache.match(request, { ignoreSearch: true, ignoreVary: true })) ?? fetch(request);
  }

  async function page(request, path) {
    const isForm = path === `${root}/claims/report`;
    const held = isForm ? await kept(path) : null;
    try {
      const answer = await (held ? Promise.race([fetch(request), tooLong()]) : fetch(request));
      // Behind a broken line there may be a proxy that answers in the desk's place.
      return held && answer.status >= 502 ? held : answer;
    } catch {
      return held ?? (await kept(`${root}/claims/kept`)) ?? (await kept(offline)) ?? Response.error();
    }
  }

  const kept = (path) => caches.match(path, { ignoreSearch: true, ignoreVary: true });
}

function tooLong() {
  return new Promise((_resolve, reject) => { setTimeout(reject, PATIENCE, new Error("slow")); });
}
