"""Where the example's weddings stand: the twelve zones of `calendar.csv`, and more for load tests.

Coordinates are of towns, in degrees to two places. The markets' shares are the example's own: a
London platform that has grown abroad. Delhi's weight among the Indian places follows CAIT's 2024
figures (450 000 of 4.8 million weddings, so about 1 in 10).
"""

from wedding_statistics import Market

_ENGLAND = (
    (51.51, -0.13),
    (53.48, -2.24),
    (52.48, -1.90),
    (51.45, -2.59),
    (54.98, -1.61),
    (51.48, -3.18),
    (50.72, -3.53),
    (53.96, -1.08),
)
_LONDON = ((51.51, -0.13), (51.56, -0.28), (52.48, -1.90), (52.63, -1.13))
_INDIA = (
    (28.61, 77.21),
    (19.08, 72.88),
    (26.91, 75.79),
    (24.58, 73.71),
    (12.97, 77.59),
    (22.57, 88.36),
    (17.39, 78.49),
    (13.08, 80.27),
    (15.30, 74.12),
    (26.85, 80.95),
)
_GREECE = ((37.98, 23.73), (36.39, 25.46), (40.64, 22.94), (35.34, 25.14))
_CHINA = ((31.23, 121.47), (39.90, 116.41), (23.13, 113.26), (30.57, 104.07))
_NIGERIA = ((6.52, 3.38), (9.06, 7.49), (7.38, 3.95), (6.45, 7.51))
_ISRAEL = ((31.77, 35.21), (32.09, 34.78), (32.79, 34.99))
_NEW_YORK = ((40.71, -74.01), (42.36, -71.06), (40.22, -74.76), (38.91, -77.04))
_NEWFOUNDLAND = ((47.56, -52.71), (48.95, -57.95))
_EASTERN_AUSTRALIA = ((-33.87, 151.21), (-28.64, 153.61), (-32.78, 151.30))
_SOUTH_AUSTRALIA = ((-34.93, 138.60), (-34.52, 138.96))
_NEW_ZEALAND = ((-36.85, 174.76), (-45.03, 168.66), (-41.29, 174.78))
_NEPAL = ((27.72, 85.32), (28.21, 83.99))


# zone, country, culture, share, pattern, places
_TABLE = (
    ("Europe/London", "GB", "british", 3000, "england-wales", _ENGLAND),
    ("Europe/London", "GB", "indian", 420, "england-wales", _LONDON),
    ("Europe/London", "GB", "nigerian", 260, "england-wales", _LONDON),
    ("Europe/London", "GB", "chinese", 150, "england-wales", _LONDON),
    ("Europe/London", "GB", "jewish", 130, "jewish", _LONDON),
    ("Europe/London", "GB", "greek", 90, "england-wales", _LONDON),
    ("Europe/London", "GB", "other", 250, "england-wales", _ENGLAND),
    ("Europe/Athens", "GR", "greek", 700, "greece", _GREECE),
    ("Europe/Athens", "GR", "british", 60, "greece", _GREECE),
    ("Asia/Kolkata", "IN", "indian", 2100, "india", _INDIA),
    ("Asia/Kolkata", "IN", "other", 60, "evenly", _INDIA),
    ("Asia/Kathmandu", "NP", "indian", 150, "india", _NEPAL),
    ("Asia/Shanghai", "CN", "chinese", 700, "china", _CHINA),
    ("Africa/Lagos", "NG", "nigerian", 560, "nigeria", _NIGERIA),
    ("Asia/Jerusalem", "IL", "jewish", 330, "jewish", _ISRAEL),
    ("America/New_York", "US", "other", 300, "north-america", _NEW_YORK),
    ("America/New_York", "US", "jewish", 140, "jewish", _NEW_YORK),
    ("America/New_York", "US", "indian", 120, "north-america", _NEW_YORK),
    ("America/New_York", "US", "chinese", 60, "north-america", _NEW_YORK),
    ("America/St_Johns", "CA", "other", 60, "north-america", _NEWFOUNDLAND),
    ("Australia/Sydney", "AU", "other", 260, "australia", _EASTERN_AUSTRALIA),
    ("Australia/Sydney", "AU", "chinese", 80, "australia", _EASTERN_AUSTRALIA),
    ("Australia/Sydney", "AU", "greek", 60, "australia", _EASTERN_AUSTRALIA),
    ("Australia/Sydney", "AU", "indian", 60, "australia", _EASTERN_AUSTRALIA),
    ("Australia/Adelaide", "AU", "other", 100, "australia", _SOUTH_AUSTRALIA),
    ("Australia/Adelaide", "AU", "greek", 30, "australia", _SOUTH_AUSTRALIA),
    ("Pacific/Auckland", "NZ", "other", 90, "australia", _NEW_ZEALAND),
    ("Pacific/Auckland", "NZ", "chinese", 20, "australia", _NEW_ZEALAND),
)

MARKETS = tuple(
    Market(zone=zone, country=country, culture=culture, share=share, pattern=pattern, places=places)
    for zone, country, culture, share, pattern, places in _TABLE
)

# Zones beyond the twelve, for load tests only: zone, country, latitude, longitude of its town.
FURTHER_ZONES = (
    ("Africa/Accra", "GH", 5.60, -0.19),
    ("Africa/Algiers", "DZ", 36.75, 3.06),
    ("Africa/Cairo", "EG", 30.04, 31.24),
    ("Africa/Casablanca", "MA", 33.57, -7.59),
    ("Africa/Johannesburg", "ZA", -26.20, 28.05),
    ("Africa/Nairobi", "KE", -1.29, 36.82),
    ("Africa/Windhoek", "NA", -22.56, 17.07),
    ("America/Argentina/Buenos_Aires", "AR", -34.60, -58.38),
    ("America/Bogota", "CO", 4.71, -74.07),
    ("America/Chicago", "US", 41.88, -87.63),
    ("America/Denver", "US", 39.74, -104.99),
    ("America/Halifax", "CA", 44.65, -63.58),
    ("America/Havana", "CU", 23.11, -82.37),
    ("America/Jamaica", "JM", 17.97, -76.79),
    ("America/Lima", "PE", -12.05, -77.04),
    ("America/Los_Angeles", "US", 34.05, -118.24),
    ("America/Mexico_City", "MX", 19.43, -99.13),
    ("America/Panama", "PA", 8.98, -79.52),
    ("America/Phoenix", "US", 33.45, -112.07),
    ("America/Port_of_Spain", "TT", 10.65, -61.51),
    ("America/Santiago", "CL", -33.45, -70.67),
    ("America/Sao_Paulo", "BR", -23.55, -46.63),
    ("America/Toronto", "CA", 43.65, -79.38),
    ("America/Vancouver", "CA", 49.28, -123.12),
    ("Asia/Bangkok", "TH", 13.76, 100.50),
    ("Asia/Colombo", "LK", 6.93, 79.86),
    ("Asia/Dhaka", "BD", 23.81, 90.41),
    ("Asia/Dubai", "AE", 25.20, 55.27),
    ("Asia/Hong_Kong", "HK", 22.32, 114.17),
    ("Asia/Jakarta", "ID", -6.21, 106.85),
    ("Asia/Karachi", "PK", 24.86, 67.00),
    ("Asia/Kuala_Lumpur", "MY", 3.14, 101.69),
    ("Asia/Manila", "PH", 14.60, 120.98),
    ("Asia/Seoul", "KR", 37.57, 126.98),
    ("Asia/Singapore", "SG", 1.35, 103.82),
    ("Asia/Taipei", "TW", 25.03, 121.57),
    ("Asia/Tokyo", "JP", 35.68, 139.69),
    ("Asia/Yangon", "MM", 16.87, 96.20),
    ("Australia/Brisbane", "AU", -27.47, 153.03),
    ("Australia/Lord_Howe", "AU", -31.55, 159.08),
    ("Australia/Perth", "AU", -31.95, 115.86),
    ("Europe/Berlin", "DE", 52.52, 13.40),
    ("Europe/Dublin", "IE", 53.35, -6.26),
    ("Europe/Istanbul", "TR", 41.01, 28.98),
    ("Europe/Paris", "FR", 48.86, 2.35),
    ("Europe/Rome", "IT", 41.90, 12.50),
    ("Pacific/Chatham", "NZ", -43.95, -176.56),
    ("Pacific/Fiji", "FJ", -18.14, 178.44),
)
