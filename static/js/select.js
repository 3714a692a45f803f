// Choosing calls in the list: all of the page, how many, and a button that waits until there is one.

function wire() {
  for (const control of document.querySelectorAll("[data-submit-on-change]")) {
    control.addEventListener("change", () => control.form.requestSubmit());
  }
  const form = document.querySelector("form[data-select]");
  if (!form) return;
  const all = form.querySelector("[data-select-all]");
  const boxes = [...form.querySelectorAll("input[name=calls]")];
  const count = form.querySelector("[data-select-count]");
  const send = form.querySelector("[data-select-send]");
  const every = form.querySelector("[data-select-every]");

  function show() {
    const chosen = boxes.filter((box) => box.checked).length;
    const some = chosen > 0 || Boolean(every?.checked);
    count.textContent = chosen && !every?.checked ? count.dataset.text.replace("%s", chosen) : "";
    send.disabled = !some;
    form.classList.toggle("choosing", some);
    all.checked = chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
  }

  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    show();
  });
  for (const box of [every, ...boxes]) box?.addEventListener("change", show);
  show();
}

wire();
document.addEventListener("yoyak:list", wire);
