// Single keys: never in a text field, never with Ctrl, Alt or Meta, never in a dialog, and only while they are on.

const STORED = "single-keys";
const BUTTONS = ["button", "checkbox", "radio", "submit", "reset"];

export function areOn() {
  return localStorage.getItem(STORED) !== "off";
}

export function turn(on) {
  localStorage.setItem(STORED, on ? "on" : "off");
  document.body.classList.toggle("no-keys", !on);
}

function isTextField(target) {
  if (!(target instanceof Element)) return false;
  if (target.closest("textarea, select, [contenteditable]")) return true;
  return target instanceof HTMLInputElement && !BUTTONS.includes(target.type);
}

const handlers = new Map();

export function bind(table) {
  for (const [key, handler] of Object.entries(table)) handlers.set(key, handler);
}

export function listen() {
  turn(areOn());
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (event.repeat || !areOn() || isTextField(event.target) || document.querySelector("dialog[open]")) return;
    const handler = handlers.get(event.key.length === 1 ? event.key.toLowerCase() : event.key);
    if (handler && handler(event) !== false) event.preventDefault();
  });
}
