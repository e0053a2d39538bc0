// Requests to the server, and the line that tells the reviewer what came of them.

const KEEPALIVE_MAX = 60_000; // bytes; browsers refuse more than 64 KiB

export class ApiError extends Error {
  constructor(status, data) {
    super(data.error || `The server replied with status ${status}.`);
    this.status = status;
    this.data = data;
  }
}

// With `outlives`, the request continues after its page is closed, if the browser allows it.
export async function send(method, path, body, { outlives = false } = {}) {
  const text = JSON.stringify(body);
  let reply;
  try {
    reply = await fetch(path, {
      method,
      headers: { "content-type": "application/json" },
      body: text,
      keepalive: outlives && new TextEncoder().encode(text).length < KEEPALIVE_MAX,
    });
  } catch {
    throw new ApiError(0, { error: "The server does not answer. What you typed is still here; try again." });
  }
  let data = {};
  try {
    data = await reply.json();
  } catch {
    // The status alone must do.
  }
  if (!reply.ok) throw new ApiError(reply.status, data);
  return data;
}

// An id for a decision, so that sending it twice counts once. Plain HTTP lacks `crypto.randomUUID`.
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

// Show one sentence; screen readers read it out.
export function tell(message, kind = "") {
  const status = document.getElementById("status");
  status.className = kind ? `status is-${kind}` : "status";
  status.replaceChildren(...coded(message));
  if (kind === "bad") status.scrollIntoView({ block: "nearest" });
}

// A message for the next screen, because a decision opens the next page.
export function tellNext(message) {
  sessionStorage.setItem("message", message);
}

export function tellStored() {
  const message = sessionStorage.getItem("message");
  sessionStorage.removeItem("message");
  if (message) tell(message, "good");
}

export function dataOf(id) {
  const element = document.getElementById(id);
  return element ? JSON.parse(element.textContent) : null;
}

// Return a text with its `code` as elements.
export function coded(text) {
  return text.split(/`([^`\n]+)`/).map((part, number) => (number % 2 ? element("code", { textContent: part }) : part));
}

export function element(name, properties = {}, children = []) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "class") made.className = value;
    else if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}
