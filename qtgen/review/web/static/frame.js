// The preview: a frame without an origin that renders markdown as the site does. It gets text, and returns its height.

const MIN_HEIGHT = 120;
const dark = window.matchMedia("(prefers-color-scheme: dark)");

// Show texts in a frame. `approximate` is the address of the server's rendering if the bundle is missing.
export class Preview {
  constructor(frame) {
    this.frame = frame;
    this.isReady = false;
    this.shown = null;
    this.number = 0;
    window.addEventListener("message", (event) => this.receive(event));
    dark.addEventListener("change", () => this.post());
    // Clicking into the frame must not take the keys away. It has nothing to focus.
    window.addEventListener("blur", () => {
      setTimeout(() => {
        if (document.activeElement === frame) document.getElementById("content").focus({ preventScroll: true });
      });
    });
  }

  receive(event) {
    if (event.source !== this.frame.contentWindow || typeof event.data !== "object" || !event.data) return;
    if (event.data.type === "ready") {
      this.isReady = true;
      this.post();
    } else if (event.data.type === "shown" && event.data.id === this.number) {
      const height = Number(event.data.height);
      if (Number.isFinite(height)) this.frame.height = String(Math.max(MIN_HEIGHT, Math.ceil(height)));
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
