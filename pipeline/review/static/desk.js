// The desk works without this file; it adds copying and keys.
"use strict";

// <button data-copy="#id" data-copied="Copied"> copies the element's text; any other value is copied as it is.
function copy(button) {
  const value = button.dataset.copy;
  const source = value.startsWith("#") ? document.querySelector(value) : null;
  const text = source ? ("value" in source ? source.value : source.innerText) : value;
  const done = () => {
    button.setAttribute("aria-live", "polite");
    button.textContent = button.dataset.copied || "✓";
  };
  if (navigator.clipboard) {
    navigator.clipboard.writeText(text).then(done, () => {});
    return;
  }
  // Without TLS there is no clipboard: the text is laid into a field and taken from there.
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  if (document.execCommand("copy")) done();
  field.remove();
  button.focus();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});

// Keys: an element with data-key="j" is used by that key, unless the person switched keys off (WCAG 2.1.4)
// with a box <input type="checkbox" data-keys>. The names of keys are those of KeyboardEvent.key.
const keys = {
  get on() {
    try {
      return localStorage.getItem("keys") !== "off";
    } catch {
      return true;
    }
  },
  set on(value) {
    try {
      localStorage.setItem("keys", value ? "on" : "off");
    } catch {
      // a browser that keeps nothing: the keys stay on
    }
  },
};

for (const box of document.querySelectorAll("[data-keys]")) {
  box.checked = keys.on;
  box.addEventListener("change", () => { keys.on = box.checked; });
}

function use(element) {
  const kind = element.type || "";
  element.focus();
  if (element.tagName === "DETAILS") element.open = !element.open;
  else if (element.tagName === "TEXTAREA" || /^(text|search)$/.test(kind)) element.select();
  else if (element.tagName !== "SELECT") element.click();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.repeat || !keys.on) return;
  const here = event.target;
  const typing = here.matches("textarea, select, [contenteditable], input:not([type=checkbox], [type=radio])");
  if (typing) {
    if (event.key === "Escape") here.blur();
    return;
  }
  // Enter and space belong to what has the focus
  if (/^(Enter| )$/.test(event.key) && here.closest("a, button, summary, input")) return;
  const element = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!element || element.disabled) return;
  event.preventDefault();
  use(element);
});
