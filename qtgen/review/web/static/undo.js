// The buttons that undo a decision: in the history, and at the end of a queue, where the key `u` does it, too.

import { newId, send, tell, tellNext } from "./api.js";
import * as keys from "./keys.js";

async function undo(button) {
  const { undo: undoes, url, fileDigest = "", queue = "" } = button.dataset;
  button.disabled = true;
  try {
    const reply = await send("POST", "/api/decisions", {
      id: newId(), action: "undo", url, file_digest: fileDigest, queue, undoes,
    });
    tellNext(reply.message || "Undone.");
    if (queue) location.assign(reply.next);
    else location.reload();
  } catch (error) {
    tell(error.message, "bad");
    button.disabled = false;
  }
}

for (const button of document.querySelectorAll("[data-undo]")) {
  button.addEventListener("click", () => undo(button));
}
const last = document.getElementById("do-undo");
if (last) keys.bind({ u: () => last.click() });
