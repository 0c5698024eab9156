# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prompts for training: every look's names, placed in the sentences people type or say, among words that mean nothing here.

    prompts.py OUT        reads OUT/tokenizer and OUT/words.txt, writes OUT/prompts.pt: token ids of many prompts for every look
"""
import multiprocessing
import random
import re
import sys
from pathlib import Path

import torch

import looks
from heldout_prompts import KEPT_BACK, plain
from looks import COLOURS
from tokenizer import Tokenizer

COUNTS = {"photo": 24000, **dict.fromkeys(looks.LOOKS, 4000), **dict.fromkeys(looks.PAIRS, 200)}

# Things: fit "a ...", "... of my face", "in the style of ...".
NAMES = {
    "pencil": "pencil sketch|pencil drawing|graphite sketch|hand drawn sketch|sketch|drawing|pencil|graphite drawing|"
              "pencil portrait|sketchbook page|pencil art",
    "charcoal": "charcoal drawing|charcoal sketch|charcoal|smudged charcoal drawing|charcoal portrait|charcoal art",
    "ink": "ink line art|line art|ink drawing|black ink lines|pen and ink|manga line drawing|ink|lineart|manga|"
           "outline drawing|ink sketch|coloring book page|black outlines|pen drawing|manga page|line drawing|ink lines",
    "chalk": "chalk drawing|chalkboard drawing|blackboard|chalk|chalk on a blackboard|chalk sketch|white chalk lines|chalkboard",
    "watercolor": "watercolor painting|watercolour|watercolor|aquarelle|water colour painting|watercolor wash|"
                  "gouache painting|watercolors|watercolours|water colors|water color|watercolour painting|aquarelle painting",
    "oil": "oil painting|oil on canvas|impasto painting|thick brush strokes|painting|impressionist painting|van gogh painting|"
           "monet painting|acrylic painting|painterly|van gogh|vincent van gogh|monet|rembrandt|picasso|oil paint|oil paints|"
           "starry night painting|canvas painting|oil portrait|impressionism|acrylic",
    "cartoon": "cartoon|toon|cel shaded cartoon|anime|animated movie|cel shading|anime character|disney cartoon|animation|"
               "cartoon character|pixar movie|simpsons|animated film|cartoon drawing|disney character|saturday morning cartoon|disney",
    "comic": "comic book|comic|halftone comic|comic halftone|graphic novel|comic strip|superhero comic|halftone dots|lichtenstein|"
             "comic book hero|marvel comic|comics|comic book page|halftone|superhero|comic panel",
    "pixel": "pixel art|8-bit game|pixelated picture|retro video game|pixel|8 bit|minecraft|16-bit sprite|voxel|blocky pixels|lego|"
             "8 bit game|nintendo game|16 bit|pixels|big pixels|super nintendo|8-bit|arcade game|pixel game|game boy|nintendo",
    "mosaic": "mosaic|mosaic tiles|roman mosaic|tile mosaic|ceramic tiles|tiled mosaic|tiles|small tiles|mosaic floor|byzantine mosaic",
    "popart": "pop art|warhol|andy warhol screen print|pop-art poster|screen print|silkscreen print|andy warhol|warhol print|popart|"
              "silkscreen|pop art poster|marilyn print",
    "engraving": "cross hatching|engraving|antique engraving|antique etching|antique print|etching|crosshatch|woodcut|old engraving|banknote engraving|linocut|hatched engraving|"
                 "copperplate engraving|dollar bill|wood engraving|crosshatching|woodblock print|cross hatched drawing",
    "emboss": "emboss|bas relief|stone relief|relief|relief sculpture|marble carving|embossing|stone carving|embossed relief|carving",
    "gold": "gold|golden statue|gold statue|solid gold|bronze statue|gold leaf|gold sculpture|golden sculpture|bronze|brass statue|"
            "gold metal|golden trophy|c3po",
    "sepia": "sepia|sepia photo|sepia tone|old sepia photograph|antique photo|wild west photo|1900s photograph|brown toned photo|"
             "victorian photograph|sepia tones|daguerreotype|wild west",
    "noir": "film noir|black and white|noir|monochrome|b&w|grayscale|black and white photo|high contrast black and white|"
            "black and white film|black and white movie|greyscale|black-and-white|noir movie|black-and-white film|old black and white film",
    "neon": "neon|neon edges|glowing neon lines|neon lights|neon glow|neon sign|glowing edges|tron|electric neon|glowing lines|"
            "neon tubes|neon outlines|tron movie|glowing outlines|neon light",
    "thermal": "thermal camera|thermal|heat map|infrared camera|thermal imaging|infrared|heat vision|predator vision|heat camera|"
               "thermal vision|thermography|heatmap|flir|thermal scan|predator|body heat",
    "night_vision": "night vision|night vision goggles|green night vision|military night scope|nightvision|night scope|"
                    "night vision camera|night goggles|nightvision goggles|army night vision",
    "blueprint": "blueprint|technical drawing|architectural blueprint|cyanotype plan|engineering schematic|blue print|"
                 "architect plan|blueprints|schematic|construction plan|cyanotype",
    "winter": "winter|snow|snowy winter|frost|ice|cold snowy day|christmas snow|snowstorm|winter wonderland|blizzard|snowfall|"
              "winter day|arctic|snowy landscape|antarctica|frozen world",
    "autumn": "autumn|golden autumn|fall colors|fall|autumn leaves|october leaves|fall foliage|indian summer|autumn forest|"
              "fall leaves|autumn colors|autumn colours|october|november leaves",
    "cyberpunk": "cyberpunk|synthwave|vaporwave|cyberpunk city|futuristic magenta and cyan|blade runner|retrowave|outrun|"
                 "sci-fi neon city|neon city|cyberpunk 2077|cyber punk|futuristic city|night city|bladerunner",
    "sunset": "sunset|golden hour|sunrise|warm sunset light|dusk|warm evening light|dawn|evening sun|setting sun|sunset light|"
              "golden hour light|evening light",
    "negative": "negative|inverted colors|photo negative|color negative|x-ray|xray|x ray|film negative|negative image|"
                "inverted colours|reversed colors|opposite colors",
    "vintage": "vintage|faded film|retro photo|70s photo|polaroid|old photo|kodachrome|vintage film|seventies photo|"
               "instant photo|faded photograph|vintage photo|old film|lomography|1970s photo|analog film",
    "underwater": "underwater|deep sea|aquarium|ocean|underwater world|fish tank|coral reef|ocean floor|submarine|sea floor|atlantis",
    "dreamy": "dreamy|soft glow|hazy dream|soft focus|fairy tale glow|bloom|dream|haze|glamour glow|dreamy haze|dream sequence|mist",
    "vivid": "vivid|vivid colors|hdr|vibrant|bright saturated colors|high contrast vivid|vibrant colors|vivid colours|"
             "saturated colors|intense colors|strong colors|more color|more colour|hdr photo",
    "pastel": "pastel|pastel colors|soft pastel|pastel drawing|pastel colours|pale colors|light pastel tones|pastels|candy colors|"
              "soft pastel colors|pale pastel",
}
# States: fit "as if ...", "make it ...", "everything ...".
STATES = {
    "pencil": "drawn with a pencil|drawn in pencil|sketched|sketched in a notebook|pencilled|hand drawn|sketched with a pencil|sketchy",
    "charcoal": "drawn in charcoal|drawn with charcoal|sketched with charcoal|smudged with charcoal",
    "ink": "drawn in ink|drawn with a pen|inked|drawn with black ink|outlined in black|drawn with ink lines",
    "chalk": "drawn with chalk|written on a blackboard|drawn on a chalkboard|chalked|drawn on a blackboard",
    "watercolor": "painted with watercolors|painted in watercolor|painted with watercolor|watercolored|painted in watercolours|"
                  "done in watercolor|painted in water colors",
    "oil": "painted in oil|painted with oils|painted|painted on canvas|painted by van gogh|painted by monet|oil painted|"
           "painted with a brush|painted with thick paint|painted by an old master|painted by rembrandt",
    "cartoon": "cartoonish|animated|cartoony|cel shaded|cartoonized|drawn by disney|toonified|in a cartoon|like anime",
    "comic": "printed in a comic book|in a comic|printed with halftone dots|drawn by marvel|in a comic book|in a comic strip",
    "pixel": "pixelated|blocky|made of pixels|pixelized|in an 8 bit game|in a retro game|made of blocks|made of lego|in minecraft",
    "mosaic": "made of tiles|tiled|made of mosaic tiles|laid in mosaic|made of little tiles|made of ceramic tiles",
    "popart": "screen printed|printed by warhol|silkscreened|made by andy warhol|done by warhol",
    "engraving": "engraved|etched|hatched|cross hatched|printed on a banknote|cut in wood|etched in copper|crosshatched",
    "emboss": "embossed|carved in stone|carved|embossed in metal|chiseled in stone|stamped in metal|carved in marble|pressed in paper",
    "gold": "made of gold|golden all over|gilded|cast in bronze|gold plated|turned to gold|dipped in gold|covered in gold",
    "sepia": "sepia toned|toned in sepia|taken in 1900|shot in the wild west|tinted sepia",
    "noir": "in black and white|colorless|without color|shot in black and white|desaturated|without colors|in shades of gray|"
            "in shades of grey|drained of color|colourless",
    "neon": "made of neon|glowing with neon|lit by neon|made of neon lights|made of neon tubes|made of glowing lines|in tron",
    "thermal": "seen by a thermal camera|seen in infrared|seen through a heat camera|hot and cold|seen by the predator",
    "night_vision": "seen through night vision|seen through night vision goggles|seen by a soldier at night with goggles",
    "blueprint": "drawn as a blueprint|drafted|blueprinted|drawn on blueprint paper|drawn by an architect|drawn by an engineer",
    "winter": "covered in snow|frozen|icy|snowy|snowed in|in the snow|wintry|in winter|frosty|buried in snow|cold|snow covered|"
              "in the middle of winter|snowing|freezing|in a snowstorm",
    "autumn": "in autumn|autumnal|in october|in the fall|covered in autumn leaves|in november|turning into autumn",
    "cyberpunk": "cyberpunked|in a cyberpunk world|in a cyberpunk city|in blade runner|in neon tokyo|in a cyberpunk game",
    "sunset": "at sunset|lit by the sunset|at sunrise|at dawn|in the evening sun|bathed in sunset light|at dusk|at golden hour",
    "negative": "inverted|in negative|reversed in color|color inverted|x-rayed|with inverted colors|turned inside out in color",
    "vintage": "faded|shot on old film|washed out|taken in the 70s|old and faded|taken with a polaroid|shot on kodachrome|"
               "shot in the seventies|retro",
    "underwater": "under the sea|under water|submerged|at the bottom of the sea|in the ocean|deep in the sea|drowned|"
                  "at the bottom of the ocean|deep under the ocean|sunk in the sea",
    "dreamy": "hazy|misty|in a dream|softly glowing|ethereal|heavenly|foggy|in soft focus|blurred like a dream",
    "vivid": "more colorful|colorful|saturated|super vibrant|brightly colored|more vivid|very colorful|more saturated|colourful",
    "pastel": "in pastel colors|pale and soft|in pastel|softly colored|pastel colored|in pale colors",
}
COLOUR_WORDS = {"red": "red|crimson|scarlet", "green": "green|emerald", "blue": "blue|azure|navy blue",
                "purple": "purple|violet", "orange": "orange|amber", "pink": "pink|rose|magenta pink"}
for look, words in COLOUR_WORDS.items():
    words = words.split("|")
    NAMES[look] = "|".join(f"{w} {kind}" for w in words
                           for kind in ("tint", "monochrome", "tones", "duotone", "light", "filter", "colors", "hue"))
    NAMES[look] += "|" + "|".join(words)
    STATES[look] = "|".join(s.format(w) for w in words for s in ("all {}", "in {}", "tinted {}", "{}", "colored {}", "only {}",
                                                                 "completely {}", "in {} light", "in shades of {}"))
NAMES = {look: words.split("|") for look, words in NAMES.items()}
STATES = {look: words.split("|") for look, words in STATES.items()}

NAME_SENTENCES = """{p}|{p}|{p}|{p} style|a {p}|a {p} of {s}|{p} of {s}|{p} of the scene|turn it into {p}|turn {s} into a {p}
turn this into {p}|make it {p}|make it look like {p}|make it a {p}|make {s} look like a {p}|make {s} a {p}|{s}, {p}|{s} in {p} style
in the style of {p}|in the style of a {p}|{s} in the style of {p}|{p}, {q}|{p}, {s}, {q}|convert to {p}|convert {s} to {p}|{p} effect
{p} filter|as {p}|as a {p}|{p} version|a beautiful {p}|{s} {p}|transform the image into a {p}|transform {s} into {p}|{p} look
apply {p}|apply a {p} effect|apply the {p} filter|give it a {p} look|give {s} the look of a {p}|{p}, {r}|{r} {p}|{p} {r} {r}|{q}, {p}
{p} at night|{s} at night, {p}|{p} by night|{a} {p}|a {a} {p}|{a} {p} of {s}|{a}, {a} {p}|{p}, {a} lines|{p} on paper|{p} poster
{p} on black|{p} scene|make {s} look like a {a} {p}|a page of a {p}|{p} made of {r}|render as {p}|{s} as a {p}|{i} want {p}
show me {p}|show {s} as {p}|{i} want to be in a {p}|{i} want to look like {p}|{i} want to see {p}|{i} want it to look like a {p}
like a {p}|like {p}|like in a {p}|looks like {p}|it should look like a {p}|let it be {p}|change it to {p}|change the picture to a {p}
switch to {p}|switch to {p} mode|{p} mode|now {p}|next {p}|how about {p}|what about a {p}|let's try {p}|lets have {p}|go for {p}
use {p}|use a {p} style|do {p}|do it as {p}|draw {s} as {p}|paint {s} as {p}|put me in a {p}|put {s} in a {p}|make everything {p}
everything in {p}|everything like {p}|with {p}|in {p}|{s} with {p}|{s} in {p}|it is {p}|this is a {p}|as if it were a {p}
as if it was {p}|as if {s} were in a {p}|as though it were {p}|imagine {s} as a {p}|pretend this is {p}|view from a {p}|{s} from a {p}
seen as {p}|{p} everywhere|more {p}|full of {p}|lots of {p}|{a} {p} with {r}|{p} with {r} and {r}|{r} {r} {p}|{r}, {p}, {r}
{p} of {r}|{s} like {p}|a {p} by {r}|{p} from the {r}|the {r} of a {p}|{p} and {r}|my favourite {p}|some {p}|the {p}
what would {s} look like as {p}|{p} picture|{p} image|{p} art|{p} video|{p} world|{p} portrait of {s}
what if {s} {r} in a {p}|{i} wish {s} {r} in a {p}|if only {s} {r} in a {p}|imagine living in a {p}|{s} inside a {p}|{s} lost in a {p}
we are all in a {p}|suppose this were a {p}|now {i} would like {p}|now i'd like a {p}|i'd like {p}|next i'd like {p}|a {r} {p} by a {r}
{p} of a brown {r}|{p} of a black {r}|a {p} of a white {r}|{p} for {s}|{p} all the way""".replace("\n", "|").split("|")
STATE_SENTENCES = """{p}|{p}|{p}|as if {p}|as if it were {p}|as if {s} were {p}|like it was {p}|make it {p}|make {s} {p}|make everything {p}
make it look {p}|make {s} look {p}|{s} {p}|{s}, {p}|everything {p}|everything is {p}|it is {p}|it looks {p}|{s} looks {p}|looking {p}
turn it {p}|turn {s} {p}|{i} want it {p}|{i} want {s} {p}|{i} want to be {p}|show me {s} {p}|show {s} {p}|{p}, {q}|{q}, {p}|{p}, {r}
{r} {p}|{r} {r} {p}|{p} {r}|a picture {p}|a photo {p}|the scene {p}|a world {p}|{s} {p}, {q}|all {p}|the whole picture {p}
as though {p}|as though {s} was {p}|like {s} is {p}|imagine {s} {p}|pretend it is {p}|let it be {p}|it should be {p}|looks {p}
{p} version of {s}|{p} look|{p} style|{p} effect|now {p}|now make it {p}|what if {s} were {p}|{s} as if {p}|{p} {s}|a {p} {s}
the {p} {s}|render it {p}|change it so that it is {p}|{p} by {r}|{a} and {p}""".replace("\n", "|").split("|")
PAIR_SENTENCES = """{p} {w}|{w} {p}|{p}, {w}|{w}, {p}|{p} in {w}|{p} with {w}|a {p} of {s}, {w}|{p} of {s} in {w}|{w} {p} of {s}|a {w} {p}
{p} and {w}|make it a {p} in {w}|a {p} of a {w} scene|a {p} of a {w} landscape|{p} of {w}|turn it into a {w} {p}|{w} and {p}
{p} but {w}|{p} style, {w} colors|{p} with {w} colors|{p} of {s} with {w}|{p} {w} of {s}|{p}, {w} tones|a {p} in the {w}""".replace("\n", "|").split("|")
NEUTRAL_SENTENCES = """|||photo|a photo|photograph|realistic photo|a photo of {s}|photo of {s}|natural photo|photorealistic|no change|original
unchanged|realistic|{s}|{s}|a picture of {s}|a portrait of {s}|natural colors|keep the image|plain photo of {s}|high quality photo
raw photo, {s}|{s} at night|photo at night|a {a} photo of {s}|{a} {s}|{s} {r}|{r}|{r} {r}|{r} {r} {r}|{r} {r} {r} {r}|{r}, {r}
{r} {r} {r} {r} {r} {r}|a {r}|the {r} {r}|{r} and {r}|{s} {r} {s}|a {r} wearing a {r}|{s} wearing a hat|{s} holding a {r}|add a {r}
give {s} a {r}|give him a hat|make it {r}|make {s} {r}|make me look {r}|turn on the {r}|turn {s} into a {r}|put a {r} on {s}|{q}|{q}, {q}
{s}, {q}|{s} {q}|{s} and {s}|{i} want {r}|{i} want a {r}|hello|hello {r}|hello there|good morning|what is {r}|how are you|where is {s}
normal|back to normal|no effect|no style|no filter|none|nothing|turn it off|remove the effect|stop the effect|reset|undo|off|clear
leave it as it is|do not change anything|the original picture|as it is|just the camera|normal picture|plain|untouched|real life
{s} in a {r}|{s} with {r}|in {r}|{r} style|{r} effect|as if {r}|as if it were {r}|like a {r}|looks like {r}|{r} in {r}|{r} of {r}
show me {s}|show me a {r}|this is {s}|this is a {r}|{s} is {r}|remove the {r}|the {r} is {r}|why {r}|when {r} {r}|who is {r}
{a} {r}|a {a} {r}|{r} {s} {r}|{r} {r} at night|{r} city|blah blah|test|testing|one two three|yes|no|okay|so anyway
give me a {r}|give me the {r}|give {s} some {r}|{s} {r} over the {r}|the {r} {r} {r} over a {r} {r}|a brown {r}|the brown {r}|black {r}
white {r}|{s} with brown hair|the {r} brown {r} {r}|a man with a black {r}|a white {r} and a black {r}|grey {r}|{r} {r} {r} {r} {r} {r} {r} {r}
what if {s} {r} in a {r}|now i'd like a {r}|i'd like {r}|now i'd like to {r}|we all {r} in a {r}|we all {r}|all {r} {r}|{r} would love this
{r} everywhere|like an old {r}|{r} me on the {r}|{r} in {s}|could we have {r} now|turn me into a {r}|okay, make it look like a {r}""".replace("\n", "|").split("|")
SUBJECTS = """my webcam|a video game|a tv show|a movie|a city at night|night sky|a man in a car|a hat|a machine|a book|a map|a cat|a dog|a man
a woman|a person|a face|portrait|my face|people|a city|a city street|mountains|a landscape|the scene|a house|a car|flowers|a tree|a forest
a lake|the sea|a boat|food|a cup of coffee|a room|a person sitting|a man with glasses|a child|a bird|an animal|buildings|a bridge|a garden
the sky|a beach|hands|a robot|a rocket|an astronaut|an office|a desk|a bicycle|a crowd|the view|this|it|the picture|me|us|everything
the video|the image|my picture|my video|the camera|the whole scene|my room|him|her|them|the stream|my dog|my cat|the street|the world
myself|this picture|this video|my friends|the camera picture|a girl|a boy|a horse|a train|a shop|a window""".replace("\n", "|").split("|")
QUALITIES = """high quality|4k|8k|detailed|highly detailed|masterpiece|best quality|sharp|beautiful|artistic|intricate|professional
trending on artstation|award winning|sharp focus|clean|studio lighting|cinematic|elegant|fine art|hd|ultra realistic""".replace("\n", "|").split("|")
QUALIFIERS = """classic|rough|fine|simple|ancient|modern|clean|bold|loose|messy|traditional|digital|deep|big|small|new|nice|great|famous|real
antique|old|warm|glowing|golden|colorful""".replace("\n", "|").split("|")      # the last six name a look when alone
COMMON_WORDS = 12000
SMALL_WORDS = """a|the|to|of|in|on|with|and|but|for|at|from|by|my|your|that|this|it|is|was|are|be|we|you|he|she|they|all|so|then|if|or
what|how|when|there|here|one|two|some|very|really|just|like|again|today|tomorrow|yesterday|always|never""".replace("\n", "|").split("|")
SPEAKERS = ("i", "i", "we", "you", "i really")
BEFORE = """please|ok|okay|hey|can you|could you|could you please|can you please|um|uh|now|so|computer|i would like you to|i'd like you to
let us|we could|just|and now|alright|well|maybe|go ahead and|next|then""".replace("\n", "|").split("|")
AFTER = "please|thanks|thank you|now|right now|for me|ok|if you can|immediately|this time|again|for a while|thank you very much".split("|")


def unrelated_words(words: list) -> list:
    """Those of `words` that name no look and look like none of the names; the commoner half of the list twice."""
    telling = {word for table in (NAMES, STATES) for phrases in table.values() for phrase in phrases
               for word in re.findall(r"[a-z]+", phrase)}
    telling -= set("a of the and in at on with high day all light by as an it out inside big small little made with only over very more "
                   "seen taken shot done turned look not like under".split())
    telling |= {"color", "colour", "paint", "night", "photo", "brown"}
    stems = {word[:4] for word in telling if len(word) >= 4}
    kept = [word for word in words if word not in telling and word[:4] not in stems]
    return kept + 4 * kept[:COMMON_WORDS]


def filler(rng: random.Random, words: list) -> str:
    """A word that means nothing here, now and then one that nobody has heard of."""
    word = rng.choice(words)
    if rng.random() < .15:
        other = rng.choice(words)
        word = word[:rng.randint(2, 6)] + other[-rng.randint(2, 5):]
    return word


def interrupted(text: str, rng: random.Random, words: list) -> str:
    """With a few words that mean nothing put before, after or (as people digress) into a sentence."""
    count = rng.choice((1, 1, 2, 3, 4))
    said = " ".join(filler(rng, words) if rng.random() < .6 else rng.choice(SMALL_WORDS) for _ in range(count))
    return rng.choice((f"{said} {text}", f"{text} {said}", f"{said}, {text}", f"{text}, {said}"))


def spoken(text: str, rng: random.Random) -> str:
    """Now and then as people speak and as a transcriber writes it down: pleases, full stops."""
    if text and rng.random() < .25:
        text = f"{rng.choice(BEFORE)} {text}"
    if text and rng.random() < .15:
        text = f"{text}{rng.choice((' ', ' ', ', '))}{rng.choice(AFTER)}"
    if text and rng.random() < .25:
        text += rng.choice((".", ".", ".", "!", "?", "...", ","))
    return text


def make(spec: str, rng: random.Random, words: list) -> str:
    """One prompt that means `spec` (a look, `first+second` or `photo`); `words` are unrelated_words()."""
    name = second = ""
    if spec == "photo":
        sentence = rng.choice(NEUTRAL_SENTENCES)
    elif "+" in spec:
        first, other = spec.split("+")
        sentence, name = rng.choice(PAIR_SENTENCES), rng.choice(NAMES[first])
        second = rng.choice(NAMES[other] if rng.random() < .75 else STATES[other])
    elif rng.random() < .68:
        sentence, name = rng.choice(NAME_SENTENCES), rng.choice(NAMES[spec])
    else:
        sentence, name = rng.choice(STATE_SENTENCES), rng.choice(STATES[spec])
    plain = spec == "photo" or "+" in spec
    if rng.random() < (.3 if spec == "photo" else .15):
        sentence = interrupted(sentence, rng, words)
    fill = {"p": lambda: name, "w": lambda: second, "s": lambda: rng.choice(SUBJECTS), "q": lambda: rng.choice(QUALITIES),
            "r": lambda: filler(rng, words), "i": lambda: rng.choice(SPEAKERS),
            "a": lambda: rng.choice(QUALIFIERS[:-6] if plain else QUALIFIERS)}
    return spoken(re.sub(r"\{(\w)\}", lambda match: fill[match.group(1)](), sentence), rng)


def rows_of(job: tuple) -> torch.Tensor:
    """Token ids of one look's prompts, [count, 77]."""
    out, spec, count = job
    tokenizer, rng = Tokenizer(out / "tokenizer"), random.Random(spec)
    words = unrelated_words((out / "words.txt").read_text().split())
    rows = []
    while len(rows) < count:
        text = make(spec, rng, words)
        if plain(text) not in KEPT_BACK:
            rows.append(tokenizer(text))
    return torch.tensor(rows, dtype=torch.int16)


def main() -> None:
    out = Path(sys.argv[1])
    assert set(COLOURS) <= set(NAMES) and set(NAMES) == set(STATES)
    torch.set_num_threads(1)
    with multiprocessing.Pool() as pool:
        tables = pool.map(rows_of, [(out, spec, count) for spec, count in COUNTS.items()], chunksize=1)
    torch.save(dict(zip(COUNTS, tables)), out / "prompts.pt")


if __name__ == "__main__":
    main()
