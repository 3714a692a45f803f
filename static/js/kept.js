// What a person chose on one call holds on the next. A browser that keeps nothing begins anew, that is all.

export function keep(control, name) {
  const key = `yoyak:${name}`;
  const property = control.type === "checkbox" ? "checked" : "selectedIndex";
  try {
    control[property] = JSON.parse(localStorage.getItem(key)) ?? control[property];
  } catch {
    // Storage is forbidden.
  }
  control.addEventListener("change", () => {
    try {
      localStorage.setItem(key, JSON.stringify(control[property]));
    } catch {
      // Storage is full or forbidden.
    }
  });
}
