const DIGITS = '0123456789bcdefghjkmnpqrstuvwxyz';

/** A geohash cell: its south-west corner and its size, degrees. */
export interface Cell {
  west: number;
  south: number;
  width: number;
  height: number;
}

/** The cell of a geohash. Its bits halve the world in turn, by longitude first. */
export function cellOf(geohash: string): Cell {
  const cell = { west: -180, south: -90, width: 360, height: 180 };
  let byLongitude = true;
  for (const digit of geohash) {
    const value = DIGITS.indexOf(digit);
    for (let bit = 4; bit >= 0; bit--) {
      const upper = (value >> bit) & 1;
      if (byLongitude) {
        cell.width /= 2;
        cell.west += upper * cell.width;
      } else {
        cell.height /= 2;
        cell.south += upper * cell.height;
      }
      byLongitude = !byLongitude;
    }
  }
  return cell;
}
