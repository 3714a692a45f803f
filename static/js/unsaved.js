// Leaving the page with something written and not saved asks first. Forms, or parts of one, that are worth it say so; one
// that was sent is not asked about.

function isChanged(field) {
  if (!field.options) return field.value !== field.defaultValue;
  const begun = [...field.options].findIndex((option) => option.defaultSelected);
  return field.selectedIndex !== Math.max(begun, 0);
}

addEventListener("beforeunload", (event) => {
  const fields = [...document.querySelectorAll("[data-unsaved] :is(input, select, textarea)")];
  if (fields.some((field) => !field.form.dataset.sent && isChanged(field))) event.preventDefault();
});
