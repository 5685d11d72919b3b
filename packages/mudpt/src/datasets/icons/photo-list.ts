/** Photographs among the stamps of Tux Paint, by class and folder. */
export const PHOTO_LIST: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'bird or insect': {
    'animals/birds':
      'adelaide-rosella albino_peahen blackbird chicken_profile crow crowned_crane cuckoo drake duck gander guineafowl helmeted_guineafowl hen heron_greatblue heron_greatblue_flying lark little-penguin magellanic_penguin magpie nandou ostrich owl peacock pelican penguin pigeon pink_flamingo quetzal rainbow-lorikeet rooster seagull silver-gull tucan turkey vulture',
    'animals/insects': 'Brown_slug Woodlouse bee fly grasshopper hornet hoverfly mantis xanthia',
  },
  'fruit or vegetable': {
    'food/fruit':
      'Apricot_whole Cherry_Stella Strawberry2 apple_fuji apple_granny_smith apple_green apple_red apple_sierra_beauty apricot avocado banana cherimoya grapes kiwi lemon mandarine mango orange orange_seville pear pineapple pomegranate raspberry sliced_lime sliced_orange strawberry',
    'food/nuts': 'almond pecan walnut walnut_shelled',
    'food/vegetables':
      'broccoli carrot chilepepper corn eggplant garlic garlics lettuce onion pattypan_squash pepper potato pumpkin_small redlettuce tomato yam yellowpepper',
  },
  mammal: {
    'animals/mammals/apes': 'chimp gorilla tamarin_emperor',
    'animals/mammals':
      'badger elephant ferret giraffe hippopotamus pig pig_golden pig_golden2 rabbit_little rhino_black wildboar',
    'animals/mammals/bears': 'bear european-bear',
    'animals/mammals/bovines':
      'bison bull cow cow_white gnu-baby-stand gnu-baby gnu-sitting gnu-stand goat indian_blackbuck mountaingoat ram sheep sheep_lamb yak zebu',
    'animals/mammals/camel': 'camel dromedary',
    'animals/mammals/cats': 'lion-2 lion tiger tiger_sumatran',
    'animals/mammals/deer': 'caribou deer doe wapiti',
    'animals/mammals/dogs': 'dingo dog fox',
    'animals/mammals/equines': 'donkey donkey_eating horse zebra',
    'animals/mammals/rodents': 'beaver capybara marmot mouse rabbit-2 rabbit rat squirrel',
    'animals/marsupials': 'kangaroo koala wombat',
  },
  'music or sound': {
    'hobbies/music/brass': 'trumpet',
    'hobbies/music/percussion': 'cymbal_crash drum_tomtom_floor drumkit',
    'hobbies/music/string': 'cello guitar2 guitar_classical guitar_electric guitar_electric_bass violin',
    'hobbies/music/wind': 'bassoon',
  },
  plant: {
    plants: 'eggplant lavender lettuce_bolted thyme',
    'plants/flowers':
      'adeenia anemone_red anthoorium appooppanthady bolsom chemparathi daffodil flower1 flower10 flower2 flower3 flower4 flower5 flower6 flower7 flower8 flower9 iris marigold pigface red-gazania rose whitestar-petunia yellow-flower',
    'plants/trees': 'birch holly_leaves holm_oak liberia-palm rambutan tree336',
  },
  'sea animal or reptile': {
    'animals/amphibians': 'frog-1 frog',
    'animals/fish':
      'bluegroper butterflyfish clownfish coraltrout dolphinfish lionfish lobster moonwrasse seahorse shrimp stripedfish',
    'animals/lizards': 'iguana',
    'animals/mammals/aquatic': 'dolphin orca sea_lion whale',
    'animals/shellfish': 'abalone murray-mussel',
  },
  sky: {
    'space/moon': 'moon_3qt moon_crescent moon_full',
    'space/planets': '0_sun 1_mercury 2_venus 3_earth 4_mars 5_jupiter 6_saturn 7_uranus 8_neptune 9_pluto',
  },
  tool: {
    'household/tools':
      'cementmixer hammer mallet_metal measuring_tape measuring_tape_mirror paintbrush_large plyers saw spade toolbox wrench wrench_adjustable wrench_plumbers',
  },
  vehicle: {
    vehicles: '7spoke256 garbagetruck',
    'vehicles/auto': 'beetle sedan sportscar2 truck',
    'vehicles/construction': 'dumper dumper_mirror',
    'vehicles/cycle': 'pink_tricycle',
    'vehicles/emergency': 'firetruck sedan_police sedan_police_mirror',
    'vehicles/flight': 'balloon360',
    'vehicles/flight/planes': '747',
    'vehicles/masstransit': 'green_korean_bus',
    'vehicles/race': 'indycar',
    'vehicles/ship': 'chineseJunk walnutBoat',
  },
};
