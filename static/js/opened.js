// A poll replaces a piece of the page; what the person has open in it stays open. (htmx gives the focus back itself, to
// what has an id.)

let open = [];

document.addEventListener("htmx:beforeSwap", (event) => {
  open = [...event.detail.target.querySelectorAll("details[id][open]")].map((details) => details.id);
});
document.addEventListener("htmx:afterSwap", () => {
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
});
