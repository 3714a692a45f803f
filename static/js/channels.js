// Mute one party of a stereo recording. The audio goes through Web Audio from the first press on, both channels mixed to
// the middle, so that who is left is heard in both ears.

export class Channels {
  #gains = null;

  constructor(audio, buttons, lanes) {
    this.audio = audio;
    for (const [channel, button] of buttons.entries()) {
      button.addEventListener("click", () => {
        const heard = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", heard);
        this.#gain(channel).gain.value = heard ? 1 : 0;
        for (const lane of lanes.filter((each) => each.classList.contains(button.className))) {
          lane.classList.toggle("muted", !heard);
        }
      });
    }
  }

  #gain(channel) {
    this.#gains ??= this.#route();
    return this.#gains[channel];
  }

  #route() {
    const context = new AudioContext();
    const splitter = context.createChannelSplitter(2);
    const middle = new GainNode(context, { channelCount: 1, channelCountMode: "explicit" });
    context.createMediaElementSource(this.audio).connect(splitter);
    middle.connect(context.destination);
    this.audio.addEventListener("play", () => context.resume());
    return [0, 1].map((channel) => {
      const gain = context.createGain();
      splitter.connect(gain, channel).connect(middle);
      return gain;
    });
  }
}
