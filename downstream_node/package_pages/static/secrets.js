// The one secret of a package, and what follows from it. It leaves the browser only in the header
// Authorization of requests to this node. docs/packages.md describes the same for other programs.

const LINK = /^https:\/\/click\.discord\.com\/ls\/click\?upn=([A-Za-z0-9._-]+)$/;
const LINK_START = "https://click.discord.com/ls/click?upn=";
const SECRET = /^[A-Za-z0-9._-]{1,8000}$/;
const ADDRESS = /^https?:\/\//;
const ID_PURPOSE = "downstream package id 1";
const KEY_PURPOSE = "downstream package key 1";
const SECRET_BYTES = 32;
const ID_BYTES = 16;

const utf8 = new TextEncoder();

function base64url(bytes) {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// A secret for a package that is sent as a file.
export function makeSecret() {
  return base64url(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));
}

// The secret that a link holds: what Discord calls upn, else the whole link.
export function secretOfLink(link) {
  return LINK.exec(link)?.[1] ?? base64url(utf8.encode(link));
}

// The link that has this secret.
export function linkOfSecret(secret) {
  try {
    const text = atob(secret.replaceAll("-", "+").replaceAll("_", "/"));
    if (ADDRESS.test(text)) return text;
  } catch {
    // not base64url of a link, then
  }
  return `${LINK_START}${secret}`;
}

// The secret that somebody pasted, as itself or as a link; null for what cannot be one.
export function secretOf(text) {
  const secret = ADDRESS.test(text) ? secretOfLink(text) : text;
  return SECRET.test(secret) ? secret : null;
}

export async function packageId(secret) {
  const hash = await crypto.subtle.digest("SHA-256", utf8.encode(`${ID_PURPOSE}\0${secret}`));
  return hex(new Uint8Array(hash, 0, ID_BYTES));
}

// What the sealed statistics are encrypted with: 32 bytes.
export async function packageKey(secret, id) {
  const info = new Uint8Array([...utf8.encode(KEY_PURPOSE), ...bytesOf(id)]);
  const from = await crypto.subtle.importKey("raw", utf8.encode(secret), "HKDF", false, ["deriveBits"]);
  const how = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info };
  return new Uint8Array(await crypto.subtle.deriveBits(how, from, 256));
}

export function bytesOf(text) {
  return Uint8Array.from(text.match(/../g), (pair) => Number.parseInt(pair, 16));
}

function hex(bytes) {
  return Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("");
}
