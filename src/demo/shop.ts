/** Names that occur in the sample data. Addresses are of the documentation ranges of RFC 5737. */
export const products = [
  'espresso-machine',
  'trail-shoes',
  'desk-lamp',
  'wool-blanket',
  'cast-iron-pan',
  'rain-jacket',
  'standing-desk',
  'bike-helmet',
  'usb-c-hub',
  'french-press',
] as const;
export const searches = [
  'lamp',
  'shoes+size+42',
  'coffee',
  'desk',
  'jacket+waterproof',
  'gift+under+50',
  'helmet',
  'hub+usb-c',
] as const;
export const agents = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15',
  'Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0',
  'Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Mobile Safari/537.36',
  'shop-app/5.12.1 (iOS)',
  'shop-app/5.11.0 (Android)',
] as const;
export const countries = ['DE', 'FR', 'US', 'GB', 'NL', 'ES', 'PL', 'SE'] as const;
export const currencies = ['EUR', 'EUR', 'EUR', 'USD', 'GBP'] as const;
export const networks = ['192.0.2.', '198.51.100.', '203.0.113.'] as const;
