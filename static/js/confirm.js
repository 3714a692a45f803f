// Forms that cannot be undone ask first, and no form is sent twice by a double click.

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.confirm && !confirm(form.dataset.confirm)) {
    event.preventDefault();
    return;
  }
  if (form.dataset.sent) event.preventDefault();
  else if (form.method === "post" && !event.defaultPrevented && !opensElsewhere(event)) form.dataset.sent = "1";
});

// An answer that goes to another window leaves this page with its form, to be sent again.
function opensElsewhere({ submitter }) {
  return Boolean(submitter?.formTarget);
}

// A page that comes back from the browser's history may send its forms again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
