// Seats in the rows of a half circle, as in an ancient theatre. Pure.

export interface Seat {
  x: number;
  y: number;
}
export interface House {
  width: number;
  height: number;
  /** Distance of two seats: what a mark may fill. */
  pitch: number;
  /** From left to right as seen from the stage, so that neighbours in the order sit together. */
  seats: Seat[];
  /** Radii of the rows with somebody in them, and of those in front that stay empty. */
  rows: number[];
  centre: { x: number; y: number };
}

const STAGE = 0.36;  // radius of the first row, as a part of that of the last
const PITCH_MAX = 34;
const MARGIN = 12;  // room for rings around the last row

/** Seats for `count` in a half circle as wide as `width`. Rows hold in proportion to their length. */
export function house(count: number, width: number): House {
  const outer = width / 2 - MARGIN;
  const rows_at = (pitch: number): number[] => {
    const rows: number[] = [];
    for (let radius = outer - pitch / 2; radius >= outer * STAGE; radius -= pitch) rows.push(radius);
    return rows;
  };
  const room = (pitch: number): number => rows_at(pitch).reduce((sum, radius) => sum + Math.floor((Math.PI * radius) / pitch), 0);
  let low = 0.5;
  let high = PITCH_MAX;
  if (room(high) < count)
    for (let i = 0; i < 24; ++i) {
      const middle = (low + high) / 2;
      if (room(middle) >= count) low = middle;
      else high = middle;
    }
  else low = high;
  let rows = rows_at(low);
  // A few agents stand in as few rows as hold them, the outermost ones.
  let kept = 0;
  for (let room_so_far = 0; kept < rows.length && room_so_far < count * 1.25; ++kept) room_so_far += Math.floor((Math.PI * rows[kept]!) / low);
  const all = rows;
  rows = rows.slice(0, Math.max(kept, 1));

  const length = rows.reduce((sum, radius) => sum + radius, 0);
  const seats: { x: number; y: number; angle: number; radius: number }[] = [];
  let left = count;
  let length_left = length;
  for (const radius of rows) {
    const here = Math.min(left, Math.round((left * radius) / length_left));
    for (let i = 0; i < here; ++i) {
      const angle = Math.PI * (1 - (i + 0.5) / here);
      seats.push({ x: width / 2 + radius * Math.cos(angle), y: outer + MARGIN - radius * Math.sin(angle), angle, radius });
    }
    left -= here;
    length_left -= radius;
  }
  seats.sort((a, b) => b.angle - a.angle || b.radius - a.radius);
  return { width, height: outer + MARGIN + 6, pitch: low, seats, rows: low > 6 ? all : [], centre: { x: width / 2, y: outer + MARGIN } };
}
