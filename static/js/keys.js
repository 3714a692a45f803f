// The keys of the call page. They are matched by place, so they work with a Hangul layout, and are silent while
// somebody types, composes Hangul or has a dialog open.

export function wireKeys({ player, step, find, help }) {
  const skips = { KeyJ: -10, KeyL: 10, ArrowLeft: -5, ArrowRight: 5 };
  const steps = { ArrowUp: -1, ArrowDown: 1 };
  let pointed = false;
  addEventListener("pointerdown", () => { pointed = true; }, true);
  addEventListener("keydown", (event) => { if (event.key === "Tab") pointed = false; }, true);

  // What the keyboard went to keeps its own keys; what the mouse pressed gives them back to the player.
  function letsGo(control) {
    if (!control || !player || !pointed) return !control;
    control.blur();
    return true;
  }

  document.querySelector("[data-help]")?.addEventListener("click", () => help?.showModal());
  document.querySelector("[data-speed]")?.addEventListener("change", (event) => letsGo(event.target));
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable], dialog")) return;
    if (event.code === "Space" && !letsGo(event.target.closest("button, summary, input"))) return;
    if ((event.key === "?" || (event.code === "Slash" && event.shiftKey)) && help) help.showModal();
    else if (event.code === "Slash" && find) find.focus();
    else if (!player || event.shiftKey) return;
    else if (event.code === "Space" || event.code === "KeyK") player.toggle();
    else if (event.code in skips) player.skip(skips[event.code]);
    else if (event.code in steps) step(steps[event.code]);
    else return;
    event.preventDefault();
  });
}
