// Pages and vehicles of the person signed in, kept for when there is no signal. They go when the person signs out
// or another one signs in on this phone.

const PREFIX = "desk-person-";
const FRESH_FOR = 20 * 60_000;
const TAKEN_AT = "X-Taken-At";

const isUsable = () => "caches" in self;

export async function forgetOthers(person) {
  if (!isUsable()) return;
  const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== PREFIX + person);
  await Promise.all(names.map((name) => caches.delete(name)));
}

// The newest of each, unless they are fresh. An answer that is not the page itself (signed out, refused) is left out.
export async function refresh(person, urls) {
  if (!isUsable() || !navigator.onLine) return;
  const shelf = await caches.open(PREFIX + person);
  for (const url of urls) {
    const held = await shelf.match(url, { ignoreVary: true });
    if (held && Date.now() - Number(held.headers.get(TAKEN_AT)) < FRESH_FOR) continue;
    if (!(await take(shelf, url))) return;
  }
}

// With a new version of the scripts, pages of the old one would not fit them any more.
export async function renew() {
  for (const name of (await caches.keys()).filter((one) => one.startsWith(PREFIX))) {
    const shelf = await caches.open(name);
    for (const { url } of await shelf.keys()) await take(shelf, url);
  }
}

// False when there is no network.
async function take(shelf, url) {
  try {
    const answer = await fetch(url);
    if (answer.ok && !answer.redirected) await shelf.put(url, await stamped(answer));
    return true;
  } catch {
    return false;
  }
}

async function stamped(answer) {
  const headers = new Headers(answer.headers);
  headers.set(TAKEN_AT, Date.now());
  return new Response(await answer.blob(), { headers });
}

export async function vehicles(person, url) {
  if (!isUsable()) return null;
  const shelf = await caches.open(PREFIX + person);
  const held = await shelf.match(url, { ignoreVary: true });
  return held ? held.json() : null;
}
