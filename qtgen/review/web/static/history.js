// The history: the buttons that undo a decision.

import { newId, send, tell, tellNext } from "./api.js";

async function undo(button) {
  const { undo: undoes, url, fileDigest } = button.dataset;
  button.disabled = true;
  try {
    const reply = await send("POST", "/api/decisions", {
      id: newId(), action: "undo", url, file_digest: fileDigest, undoes,
    });
    tellNext(reply.message || "Undone.");
    location.reload();
  } catch (error) {
    tell(error.message, "bad");
    button.disabled = false;
  }
}

for (const button of document.querySelectorAll("[data-undo]")) {
  button.addEventListener("click", () => undo(button));
}
