// The transcript that follows the recording: the line and the word being spoken are lit and kept in sight, until the
// person scrolls; then a button takes the page back to the playing line.

const WORD_SLACK_S = 0.05;
const LINE_SLACK_S = 0.6;
const SCROLLING = new Set(["PageUp", "PageDown", "Home", "End"]);

export class Follow {
  #line = null;
  #word = null;
  #following = true;

  constructor(list, button, show) {
    this.list = list;
    this.button = button;
    this.show = show;
    const pane = list.closest(".transcript");
    for (const name of ["wheel", "touchmove"]) pane.addEventListener(name, () => this.#stop(), { passive: true });
    pane.addEventListener("pointerdown", (event) => event.target === pane && this.#stop());
    pane.addEventListener("keydown", (event) => SCROLLING.has(event.key) && event.target === pane && this.#stop());
    button.addEventListener("click", () => this.resume());
  }

  at(nowS, isPlaying) {
    const now = [...this.list.children].findLast((line) => Number(line.dataset.startS) <= nowS + WORD_SLACK_S);
    const spoken = now && nowS <= Number(now.dataset.endS) + LINE_SLACK_S ? now : null;
    this.#lightWord(spoken, nowS);
    if (spoken === this.#line) return;
    this.#line?.classList.remove("playing");
    this.#line = spoken;
    spoken?.classList.add("playing");
    if (spoken && isPlaying && this.#following && !this.list.querySelector("form")) this.show(spoken);
    this.button.hidden = this.#following || !isPlaying;
  }

  resume() {
    this.#following = true;
    this.button.hidden = true;
    if (this.#line) this.show(this.#line);
  }

  #stop() {
    this.#following = false;
    this.button.hidden = !this.#line;
  }

  #lightWord(line, nowS) {
    const words = line ? [...line.querySelectorAll("[data-at]")] : [];
    const word = words.findLast((each) => Number(each.dataset.at) <= nowS + WORD_SLACK_S) ?? null;
    if (word === this.#word) return;
    this.#word?.classList.remove("now");
    this.#word = word;
    word?.classList.add("now");
  }
}
