/** The same JPEG with an EXIF orientation; 6 is a quarter turn to the right. */
export function turned(jpeg, orientation) {
  const exif = Buffer.from([
    ...Buffer.from('Exif\0\0II*\0', 'latin1'),
    ...[8, 0, 0, 0],
    ...[1, 0],
    // Tag 0x0112, one SHORT.
    ...[0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0],
    ...[0, 0, 0, 0],
  ]);
  const marker = Buffer.from([0xff, 0xe1, 0, exif.length + 2]);
  return Buffer.concat([jpeg.subarray(0, 2), marker, exif, jpeg.subarray(2)]);
}
