// The player over an <audio> element: play, skip, seek on the waveform, speed. Knows times, not turns.

import { Channels } from "./channels.js";
import { keep } from "./kept.js";

export class Player {
  onTime = () => {};

  constructor(box) {
    this.box = box;
    this.audio = box.querySelector("audio");
    this.wave = box.querySelector("[data-wave]");
    this.head = box.querySelector("[data-head]");
    this.played = box.querySelector("[data-played]");
    this.units = this.wave.querySelector("svg")?.viewBox.baseVal.width ?? 0;
    this.lengthS = Number(box.dataset.lengthS);
    this.toggleButton = box.querySelector("[data-toggle]");
    this.toggleButton.addEventListener("click", () => this.toggle());
    for (const button of box.querySelectorAll("[data-skip]")) {
      button.addEventListener("click", () => this.skip(Number(button.dataset.skip)));
    }
    const speed = box.querySelector("[data-speed]");
    const hasten = () => { this.audio.playbackRate = Number(speed.value); };
    keep(speed, "speed");
    keep(box.querySelector("[data-skip-silence]"), "skip-silence");
    speed.addEventListener("change", hasten);
    hasten();
    new Channels(this.audio, [...box.querySelectorAll("[data-mute]")], [...box.querySelectorAll(".lane")]);
    this.#wireAudio();
    this.#wireWave();
    this.#draw();
  }

  get isPlaying() {
    return !this.audio.paused;
  }

  get nowS() {
    return this.audio.currentTime;
  }

  get #length() {
    return Number.isFinite(this.audio.duration) ? this.audio.duration : this.lengthS;
  }

  toggle() {
    if (this.audio.paused) this.#play();
    else this.audio.pause();
  }

  playFrom(seconds) {
    this.seek(seconds);
    this.#play();
  }

  skip(seconds) {
    this.seek(this.audio.currentTime + seconds);
  }

  seek(seconds) {
    this.audio.currentTime = Math.min(Math.max(0, seconds), Math.max(0, this.#length - 0.05));
    this.#draw();
  }

  #play() {
    // A newer seek or pause cancels a play that has not begun; that is no fault.
    this.audio.play().catch(() => {});
  }

  #wireAudio() {
    const state = () => {
      this.box.classList.toggle("playing", this.isPlaying);
      const { textPlay, textPause } = this.toggleButton.dataset;
      this.toggleButton.setAttribute("aria-label", this.isPlaying ? textPause : textPlay);
    };
    for (const name of ["play", "pause", "ended"]) this.audio.addEventListener(name, state);
    const frame = () => {
      this.#draw();
      if (this.isPlaying) requestAnimationFrame(frame);
    };
    this.audio.addEventListener("play", () => requestAnimationFrame(frame));
    this.audio.addEventListener("timeupdate", () => this.#draw());
    this.audio.addEventListener("seeked", () => this.#draw());
  }

  #wireWave() {
    const seekTo = (event) => {
      const { left, width } = this.wave.getBoundingClientRect();
      this.seek(((event.clientX - left) / width) * this.#length);
    };
    this.wave.addEventListener("pointerdown", (event) => {
      this.wave.setPointerCapture(event.pointerId);
      seekTo(event);
    });
    this.wave.addEventListener("pointermove", (event) => {
      if (this.wave.hasPointerCapture(event.pointerId)) seekTo(event);
    });
  }

  #draw() {
    const nowS = this.audio.currentTime;
    const share = this.#length > 0 ? Math.min(1, nowS / this.#length) : 0;
    this.head.style.left = `${share * 100}%`;
    this.played?.setAttribute("width", share * this.units);
    this.box.querySelector("[data-now]").textContent = clock(nowS);
    this.wave.setAttribute("aria-valuenow", Math.floor(nowS));
    this.wave.setAttribute("aria-valuetext", clock(nowS));
    this.onTime(nowS);
  }
}

export function clock(seconds) {
  const whole = Math.floor(seconds);
  const pad = (value) => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`;
}
