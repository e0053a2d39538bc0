// What every screen has: help, keys, and the start of the screens that need more.

import { tellStored } from "./api.js";
import * as edit from "./edit.js";
import * as keys from "./keys.js";
import * as review from "./review.js";

function setUpHelp() {
  const help = document.getElementById("help");
  if (!help) return;
  const open = () => help.showModal();
  document.getElementById("open-help").addEventListener("click", open);
  const box = document.getElementById("use-keys");
  box.checked = keys.areOn();
  box.addEventListener("change", () => keys.turn(box.checked));
  keys.bind({
    "?": open,
    "/": () => document.getElementById("search").focus(),
  });
}

// A click beside a dialog closes it, as Escape does.
function setUpDialogs() {
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
  }
}

keys.listen();
setUpHelp();
setUpDialogs();
tellStored();
if (document.getElementById("page-data")) review.start();
if (document.getElementById("edit-data")) edit.start();
document.documentElement.dataset.ready = "true";
