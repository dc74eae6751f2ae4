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
    try {
      const answer = await fetch(url);
      if (answer.ok && !answer.redirected) await shelf.put(url, await stamped(answer));
    } catch {
      return;
    }
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
