const earthRadiusMetres = 6_371_008.8;
const metresPerDegree = (Math.PI / 180) * earthRadiusMetres;

const radians = (degrees) => (degrees * Math.PI) / 180;

/** Great-circle distance of two positions in degrees, by the haversine formula. */
export const distanceMetres = (a, b) => {
  const north = Math.abs(a.latitude - b.latitude) * metresPerDegree;
  // Most users are far away; the difference of latitudes alone tells, without a cosine.
  if (north > 200_000) return north;
  const latitude = Math.sin(radians(b.latitude - a.latitude) / 2);
  const longitude = Math.sin(radians(b.longitude - a.longitude) / 2);
  const h = latitude ** 2 + Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * longitude ** 2;
  return 2 * earthRadiusMetres * Math.asin(Math.sqrt(h));
};
