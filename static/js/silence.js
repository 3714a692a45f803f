// Where nobody speaks, after the lines' times: how far the player may jump. Both parties count, so overlaps do no harm.

const LONGEST_PAUSE_S = 1.5;
const MARGIN_S = 0.3;

export function silences(turns) {
  const spans = turns
    .map((turn) => [Number(turn.dataset.startS), Number(turn.dataset.endS)])
    .sort((one, other) => one[0] - other[0]);
  const gaps = [];
  let heardS = 0;
  for (const [startS, endS] of spans) {
    if (startS - heardS > LONGEST_PAUSE_S) gaps.push([heardS ? heardS + MARGIN_S : 0, startS - MARGIN_S]);
    heardS = Math.max(heardS, endS);
  }
  return gaps;
}

export function endOfSilence(gaps, nowS) {
  return gaps.find(([startS, endS]) => nowS >= startS && nowS < endS - 0.1)?.[1] ?? null;
}
