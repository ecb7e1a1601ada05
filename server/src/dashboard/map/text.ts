/** The texts of the world map. */
export const MAP_TEXT = {
  title: 'World map',
  heading: 'Visitors by country',
  back: 'Back to the report',
  country: 'Country',
  visitors: 'Visitors',
  table: 'Visitors of each country',
  legend: 'Visitors',
  from: (least: string) => `${least} or more`,
  range: (least: string, most: string) => `${least}–${most}`,
  ofCountry: (name: string, visitors: string) => `${name}: ${visitors}`,
  noData: 'No data for this period',
  hint: 'Select a country to filter the report by it.',
} as const;
