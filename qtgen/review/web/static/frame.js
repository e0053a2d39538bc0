// The preview, in a frame that is as high as its text.

const MIN_HEIGHT = 120;
const dark = window.matchMedia("(prefers-color-scheme: dark)");

// Clicking into a frame must not take the keys away. It has nothing to focus.
function giveKeysBack(frame) {
  window.addEventListener("blur", () => {
    setTimeout(() => {
      if (document.activeElement === frame) document.getElementById("content").focus({ preventScroll: true });
    });
  });
}

function fit(frame, height) {
  if (Number.isFinite(height)) frame.height = String(Math.max(MIN_HEIGHT, Math.ceil(height)));
}

// A frame without an origin that renders Markdown as the site does. It gets text, and returns its height.
class Preview {
  constructor(frame) {
    this.frame = frame;
    this.isReady = false;
    this.shown = null;
    this.number = 0;
    window.addEventListener("message", (event) => this.receive(event));
    dark.addEventListener("change", () => this.post());
    giveKeysBack(frame);
  }

  receive(event) {
    if (event.source !== this.frame.contentWindow || typeof event.data !== "object" || !event.data) return;
    if (event.data.type === "ready") {
      this.isReady = true;
      this.post();
    } else if (event.data.type === "shown" && event.data.id === this.number) {
      fit(this.frame, Number(event.data.height));
      this.frame.dataset.shown = String(this.number);
    }
  }

  show(markdown, marks = []) {
    this.shown = { markdown, marks };
    this.post();
  }

  post() {
    if (!this.shown || !this.isReady) return;
    this.number += 1;
    const message = { type: "show", id: this.number, dark: dark.matches, ...this.shown };
    this.frame.contentWindow.postMessage(message, "*"); // the frame has no origin to name
  }
}

// The server's rendering, if the bundle is missing. Nothing runs in this frame, so the screen may measure the text.
class Approximation {
  constructor(frame) {
    this.frame = frame;
    this.address = "";
    frame.addEventListener("load", () => this.measure());
    new ResizeObserver(() => this.measure()).observe(frame);
    giveKeysBack(frame);
  }

  measure() {
    const root = this.frame.contentDocument?.documentElement;
    if (this.address && root && this.frame.clientWidth) fit(this.frame, root.getBoundingClientRect().height);
  }

  open(address) {
    if (address === this.address) return;
    this.address = address;
    this.frame.contentWindow.location.replace(address); // `src` would add a step to the browser's history
  }
}

export function previewIn(frame, hasBundle) {
  return hasBundle ? new Preview(frame) : new Approximation(frame);
}
