# SPDX-License-Identifier: LGPL-2.1-or-later
"""The sentences the model is judged by. Training never sees one of them: prompts that equal one are drawn again."""

# One a look, for the figures and the confusion matrix.
ONE_EACH = {
    "photo": "",
    "pencil": "pencil sketch of the scene, fine graphite lines", "charcoal": "rough charcoal drawing on paper, smudged",
    "ink": "black ink line art, clean outlines", "chalk": "a chalk drawing on the school blackboard",
    "watercolor": "turn it into a watercolor painting", "oil": "classic oil painting on canvas",
    "cartoon": "cartoon, like a children tv show", "comic": "a page from a comic book",
    "pixel": "pixel art from an old game", "mosaic": "ancient mosaic made of tiles",
    "popart": "colorful pop art poster by warhol", "engraving": "an antique engraving with cross hatching",
    "emboss": "embossed relief in stone", "gold": "a shiny golden statue in a museum", "sepia": "old sepia photograph",
    "noir": "film noir, black and white", "neon": "glowing neon edges on black", "thermal": "view from a thermal camera",
    "night_vision": "night vision goggles", "blueprint": "an architect blueprint", "winter": "snowy winter day",
    "autumn": "golden autumn leaves", "cyberpunk": "cyberpunk city at night", "sunset": "warm golden hour sunset",
    "negative": "inverted colors negative", "vintage": "faded vintage film", "underwater": "deep underwater scene",
    "dreamy": "soft dreamy glow", "vivid": "vivid saturated colors", "pastel": "gentle pastel colors", "red": "tinted red",
    "green": "green monochrome picture", "blue": "only blue tones", "purple": "purple tint", "orange": "orange monochrome",
    "pink": "pink tones",
}

# Free speech, transcribed speech, two looks at once, and words that mean no look.
FREE = {
    "make my webcam look like a pencil drawing please": "pencil", "as if painted with watercolors": "watercolor",
    "van gogh": "oil", "a roman floor mosaic": "mosaic", "tron": "neon", "i want to look like a comic book hero": "comic",
    "8 bit nintendo": "pixel", "snow everywhere": "winter", "heat camera": "thermal", "black-and-white movie": "noir",
    "Disney cartoon": "cartoon", "blue print of the machine": "blueprint", "it is autumn": "autumn",
    "deep under the sea": "underwater", "x-ray": "negative", "manga line drawing": "ink", "etching": "engraving",
    "turn me into a cartoon": "cartoon", "Okay, make it look like an oil painting.": "oil",
    "Can you turn this into pixel art, please?": "pixel", "Now I'd like night vision.": "night_vision",
    "Make everything blue!": "blue", "could we have it in black and white now": "noir",
    "what if we all lived in a comic strip": "comic", "i am a golden statue": "gold", "write me on the chalkboard": "chalk",
    "it is snowing outside": "winter", "put me at the bottom of the ocean": "underwater", "like an old polaroid": "vintage",
    "this scene in watercolours by a child": "watercolor", "sketch me with a pencil": "pencil", "hot in infrared": "thermal",
    "a cyberpunk street in tokyo at night": "cyberpunk", "the sun is setting": "sunset", "Warhol would love this.": "popart",
    "carve it in stone": "emboss", "smudgy charcoal": "charcoal", "an ink drawing with thick black outlines": "ink",
    "light pastel shades": "pastel", "more vivid colours please": "vivid", "everything glows like neon": "neon",
    "a dog wearing a hat": "photo", "a photo of a man in a car": "photo", "hello world": "photo", "zebra quantum banana": "photo",
    "Good morning everybody, how are you today?": "photo", "the quick brown fox jumps over the lazy dog": "photo",
    "a person sitting at a desk": "photo", "give me a moustache": "photo", "city at night": "photo",
    "back to normal please": "photo",
    "oil painting of a snowy winter landscape": "oil+winter", "pencil sketch in sepia": "pencil+sepia",
    "cyberpunk pixel art": "pixel+cyberpunk", "watercolor, golden hour sunset": "watercolor+sunset",
    "red ink line art": "ink+red", "cartoon in autumn": "cartoon+autumn", "mosaic, purple tones": "mosaic+purple",
    "a vintage comic book": "comic+vintage", "blue charcoal drawing": "charcoal+blue",
}

# Written after the last training, so that nothing could be fitted to them.
FRESH = {
    "i'd love to see myself as a pencil portrait": "pencil", "paint my living room with watercolors": "watercolor",
    "give it the feel of a renaissance oil painting": "oil", "looks like saturday morning cartoons": "cartoon",
    "I feel like a superhero in a comic": "comic", "an old arcade machine with big pixels": "pixel",
    "Byzantine church mosaic, please": "mosaic", "Andy Warhol's factory": "popart", "like the engraving on a dollar bill": "engraving",
    "chiseled out of marble": "emboss", "everything I touch turns to gold": "gold", "a daguerreotype of my grandmother": "sepia",
    "humphrey bogart in a film noir": "noir", "neon tubes all around me": "neon", "how hot am I? thermal imaging": "thermal",
    "soldiers with night vision goggles": "night_vision", "the blueprint of a spaceship": "blueprint",
    "christmas in the snow": "winter", "a walk in the autumn forest": "autumn", "somewhere in a cyberpunk alley": "cyberpunk",
    "the evening sun goes down": "sunset", "swim with the fish in the ocean": "underwater", "it was all a hazy dream": "dreamy",
    "my father's old kodachrome slides": "vintage", "invert all the colors": "negative", "sketch it with charcoal, roughly": "charcoal",
    "who ate my sandwich": "photo", "the train to hamburg leaves at nine": "photo", "could somebody open the window please": "photo",
    "two cats and a bicycle": "photo", "put a crown on my head": "photo", "seventeen purple elephants": "purple",
    "comic book in black and white": "comic+noir", "a mosaic at sunset": "mosaic+sunset", "pencil drawing, tinted blue": "pencil+blue",
    "oil painting of autumn trees": "oil+autumn",
}


def plain(text: str) -> str:
    return " ".join(text.lower().split()).strip(" .!?,")


KEPT_BACK = {plain(text) for text in [*ONE_EACH.values(), *FREE, *FRESH] if text}
