"""Everyday English sentences from templates with a broad vocabulary.

A template's slots in braces are filled from the word lists below; `{number}`, `{date}`, `{time}`,
`{money}` and `{year}` are spoken forms. `sentence(random)` gives one cased, punctuated sentence.
"""

import re

from normalise import number_words, year_words

WORDS = {
    "name": "James Mary John Patricia Robert Jennifer Michael Linda William Elizabeth David Barbara Richard Susan Joseph Jessica Thomas Sarah Charles Karen Daniel Nancy Matthew Lisa Anthony Betty Mark Margaret Donald Sandra Steven Ashley Paul Emily Andrew Donna Joshua Michelle Kenneth Carol Kevin Amanda Brian Melissa George Deborah Edward Stephanie Ronald Rebecca Timothy Laura Jason Sharon Jeffrey Cynthia Ryan Kathleen Jacob Amy Gary Angela Nicholas Anna Eric Ruth Jonathan Emma Stephen Olivia Larry Sophia Justin Isabella Scott Charlotte Brandon Grace Benjamin Alice Samuel Victoria Frank Julia Gregory Hannah Raymond Martha Patrick Diana Alexander Natalie Jack Lucy Dennis Rose Oliver Peter Henry Simon Martin Claire Helen Maria Omar Priya Chen Ahmed Ivan Sofia Leo Nora Felix Clara Hugo Eva Max Ella Adam Ruby",
    "surname": "Smith Johnson Williams Brown Jones Garcia Miller Davis Wilson Anderson Taylor Moore Jackson Martin Lee Thompson White Harris Clark Lewis Robinson Walker Young Allen King Wright Scott Hill Green Adams Baker Nelson Carter Mitchell Roberts Turner Phillips Campbell Parker Evans Edwards Collins Stewart Morris Rogers Reed Cook Morgan Bell Murphy Bailey Cooper Richardson Cox Howard Ward Peterson Gray Watson Brooks Kelly Sanders Price Bennett Wood Barnes Ross Henderson Coleman Jenkins Perry Powell Long Patterson Hughes Washington Butler Simmons Foster Bryant Russell Griffin Hayes Myers Ford Hamilton Graham Sullivan Wallace West Cole Patel Khan Singh Kim Wong Novak Schmidt Rossi",
    "city": "London Paris Berlin Madrid Rome Vienna Prague Dublin Edinburgh Manchester Liverpool Boston Chicago Seattle Denver Austin Dallas Houston Phoenix Portland Atlanta Miami Toronto Vancouver Montreal Sydney Melbourne Auckland Tokyo Osaka Beijing Shanghai Singapore Bangkok Delhi Mumbai Cairo Nairobi Lagos Istanbul Athens Lisbon Barcelona Amsterdam Brussels Geneva Zurich Oslo Stockholm Helsinki Copenhagen Warsaw Budapest Moscow Dubai Jerusalem Lima Bogota Santiago Havana Cambridge Oxford Bristol Glasgow Cardiff Leeds Philadelphia Detroit Cleveland Minneapolis",
    "country": "France Germany Spain Italy Ireland Scotland England Canada Mexico Brazil Argentina Chile Peru Japan China India Korea Vietnam Thailand Australia Egypt Kenya Nigeria Morocco Turkey Greece Poland Austria Switzerland Norway Sweden Denmark Finland Portugal Iceland Hungary Romania Ukraine Russia Indonesia Malaysia Pakistan",
    "month": "January February March April May June July August September October November December",
    "day": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "animal": "dog cat horse cow sheep goat pig rabbit mouse squirrel fox wolf bear lion tiger elephant monkey giraffe zebra kangaroo owl eagle hawk robin sparrow pigeon duck goose swan chicken turkey parrot crow frog snake lizard turtle whale dolphin shark salmon spider bee butterfly ant beetle kitten puppy pony donkey deer otter badger hedgehog seal penguin",
    "food": "bread butter cheese rice pasta soup salad chicken beef pork fish bacon sausage pizza sandwich burger potato tomato onion garlic carrot pepper cabbage lettuce spinach broccoli mushroom cucumber corn bean pea apple orange banana lemon lime pear peach plum cherry strawberry raspberry blueberry grape melon pineapple mango honey jam sugar salt chocolate vanilla cinnamon ginger cake cookie biscuit pie pancake omelette porridge yogurt cream toast noodle curry stew steak lobster shrimp pumpkin walnut almond",
    "drink": "water milk tea coffee juice wine beer lemonade cider cocoa soda whisky champagne",
    "object": "table chair lamp book pencil notebook phone computer keyboard screen camera radio television clock watch mirror window door key lock bottle cup glass plate bowl knife fork spoon pan kettle oven fridge blanket pillow towel soap brush comb scissors needle thread rope hammer nail screw drill ladder bucket broom candle match basket box bag suitcase wallet umbrella ticket map letter envelope stamp newspaper magazine painting statue guitar piano violin drum flute trumpet bicycle car truck bus train boat ship plane helicopter engine wheel tire battery cable charger printer drawer shelf cupboard carpet curtain sofa bench desk couch fence gate flag coin ring necklace bracelet helmet backpack tent compass lantern whistle button zipper ribbon puzzle puppet balloon kite",
    "clothing": "shirt jacket coat sweater dress skirt trousers jeans hat scarf glove sock shoe boot belt tie suit uniform raincoat pajamas sandal vest apron",
    "room": "kitchen bedroom bathroom garage attic basement hallway garden balcony office library classroom laboratory theatre museum church hospital school factory warehouse restaurant bakery market station airport harbour stadium park forest farm village castle tower bridge tunnel cafe pharmacy bank hotel courtroom studio workshop gym cinema courtyard cottage barn stable greenhouse",
    "job": "doctor nurse teacher lawyer engineer farmer baker butcher carpenter plumber electrician painter writer singer dancer actor pilot driver sailor soldier officer judge mayor scientist chemist biologist librarian journalist editor photographer designer architect manager secretary accountant cashier waiter chef gardener mechanic dentist surgeon student professor programmer musician tailor firefighter detective guard captain neighbour customer tourist stranger",
    "family": "mother father sister brother aunt uncle cousin grandmother grandfather daughter son wife husband nephew niece friend boss colleague roommate partner",
    "adjective": "big small old new young long short tall heavy light dark bright warm cold hot cool dry wet clean dirty quiet loud fast slow early late easy hard simple difficult cheap expensive rich poor strong weak happy sad angry tired hungry thirsty busy free brave shy kind cruel honest clever foolish strange normal beautiful ugly pretty lovely terrible wonderful awful pleasant boring exciting interesting dangerous safe empty full open narrow wide deep shallow thick thin smooth rough soft sharp sweet sour bitter fresh rotten broken perfect ancient modern famous secret gentle fierce lazy nervous calm curious careful careless generous jealous proud polite rude serious silly useful useless valuable wooden golden silver plastic metal leather round square flat crooked enormous tiny huge gigantic massive delicate fragile ordinary peculiar mysterious familiar foreign local national public private royal rural urban muddy dusty rusty shiny cloudy foggy windy stormy sunny rainy snowy frozen",
    "colour": "red blue green yellow orange purple pink brown black white grey silver golden turquoise crimson violet",
    "adverb": "quickly slowly carefully quietly loudly suddenly gently happily sadly angrily easily finally usually often rarely sometimes always never probably certainly perhaps obviously clearly exactly nearly almost completely hardly barely immediately eventually recently already soon later again together alone outside inside upstairs downstairs everywhere somewhere anywhere politely bravely patiently silently eagerly reluctantly cheerfully",
    "past": "found lost broke bought sold painted cleaned carried dropped opened closed moved washed fixed stole borrowed hid threw caught kicked pushed pulled lifted touched noticed ignored described drew photographed wanted needed loved hated admired wrapped returned delivered ordered measured replaced repaired built destroyed packed unpacked collected examined remembered forgot recognised discovered",
    "base": "find lose break buy sell paint clean carry drop open close move wash fix steal borrow hide throw catch kick push pull lift touch notice ignore describe draw photograph bring keep send show give take hold leave change check choose use make cut wrap return deliver order measure replace repair build destroy pack collect examine remember forget",
    "gerund": "finding losing breaking buying selling painting cleaning carrying dropping opening closing moving washing fixing borrowing hiding throwing catching pushing pulling lifting drawing bringing keeping sending showing giving taking holding changing checking choosing making cutting wrapping ordering measuring repairing building packing collecting studying",
    "act": "walked ran jumped swam danced sang laughed cried smiled shouted whispered slept woke sat stood fell climbed travelled waited worked played studied cooked ate drank rested arrived left returned disappeared listened argued complained apologised nodded shivered sneezed yawned hesitated wandered stumbled",
    "actbase": "walk run jump swim dance sing laugh cry smile shout whisper sleep wake sit stand fall climb travel wait work play study cook eat drink rest arrive leave return disappear listen argue complain apologise relax exercise volunteer practise",
    "actgerund": "walking running jumping swimming dancing singing laughing crying smiling shouting whispering sleeping sitting standing falling climbing travelling waiting working playing studying cooking eating drinking resting listening arguing complaining reading writing thinking dreaming shopping fishing hiking skiing sailing cycling gardening knitting",
    "topic": "history music politics science religion football cricket tennis chess weather money health education climate energy technology medicine law art poetry cinema fashion travel cooking mathematics physics chemistry biology geography philosophy psychology economics astronomy architecture agriculture traffic security privacy language grammar literature housing employment immigration democracy freedom justice friendship marriage",
    "abstract": "idea plan problem question answer reason decision mistake chance choice story secret promise lesson rule habit dream fear hope memory opinion suggestion warning excuse explanation argument agreement discussion meeting project report budget schedule deadline contract offer price result change difference example proposal experiment adventure accident emergency journey holiday festival wedding birthday party ceremony election interview conversation performance competition investigation invention tradition",
    "body": "head face eye ear nose mouth tooth tongue neck shoulder arm elbow hand wrist finger thumb chest back stomach leg knee ankle foot toe skin bone heart brain lung muscle",
    "nature": "river lake sea ocean beach island mountain hill valley desert forest field meadow stream waterfall cave cliff volcano sky sun moon star cloud rain snow wind storm thunder lightning fog frost rainbow tree flower grass leaf branch root seed rock stone sand mud ice fire smoke dust shadow sunrise sunset horizon",
    "relation": "in front of|behind|next to|under|above|near|beside|inside|outside|across from|on top of|between the wall and|far from|close to|opposite|beyond",
    "when": "yesterday|today|tomorrow|last night|last week|this morning|this afternoon|this evening|next month|next year|two days ago|an hour ago|a few minutes ago|in the morning|in the evening|at noon|at midnight|before lunch|after dinner|during the summer|over the weekend|in the winter|every spring|in autumn|right now|once a week|twice a month|on holiday|as soon as possible|by the end of the week",
    "modal": "can could should would must might will may",
    "be": "is was seems looks became remained",
    "pronoun": "I you we they he she",
    "third": "he she it nobody everyone someone",
    "obj": "me you him her us them",
    "possessive": "my your his her our their",
    "quantity": "a lot of|a few|several|some|many|plenty of|hundreds of|thousands of|dozens of|too many|not enough|most of the|all of the|half of the|a couple of|no",
    "greeting": "Hello Hi Good-morning Good-afternoon Good-evening Hey Welcome Thanks Sorry Congratulations",
    "feeling": "happy|sad|worried|excited|disappointed|surprised|proud|ashamed|grateful|nervous|confident|confused|embarrassed|relieved|bored|frightened|lonely|hopeful|annoyed|delighted|exhausted|impressed|jealous|satisfied|shocked|sorry|uncomfortable",
    "connector": "because although while before after unless until since if when whenever",
    "business": "company customer client supplier market product service invoice payment account department manager director employee salary bonus training contract shareholder profit loss revenue tax insurance mortgage loan interest inflation warehouse delivery complaint refund warranty advertisement campaign strategy brand website newsletter conference presentation spreadsheet database password username download folder backup printer laptop tablet browser server network software hardware keyboard",
    "device": "light heater alarm timer music radio television computer printer camera door window fan oven kettle thermostat",
    "unit": "minutes hours days weeks months years miles metres kilometres pounds kilograms litres inches feet degrees percent dollars euros pages people students chairs bottles boxes seconds acres gallons ounces",
}  # fmt: skip

TEMPLATES = """
The {adjective} {animal} {act} {relation} the {room}.
The {adjective} {object} {relation} the {object} {be} {adjective}.
{name} {past} {possessive} {adjective} {object} {when}.
My {family} {past} a {colour} {clothing} and two {adjective} {object}s {when}.
I {adverb} {past} the {object} that {name} left in the {room}.
She {act} {adverb} to the {room} and {past} the {object}.
We are {actgerund} near the {nature} {when}.
They {modal} {base} the {object} before {name} arrives from {city}.
Could you {base} the {object} {relation} the {object}, please?
Where did you {base} the {adjective} {object}?
Why is the {job} {actgerund} in the {room}?
How many {object}s did {name} {base} {when}?
What do you think about {topic} and {topic}?
When will the {job} {base} {possessive} {object}?
Who {past} the {colour} {object} {when}?
Do you like {food} with {food}?
Would you like some {drink} or a {adjective} {food}?
Have you ever been to {city} or {city}?
Is there any {drink} left in the {room}?
Did the {job} {base} the {clothing} {when}?
Can you {base} the {object}, or should I ask {name}?
{name} and {name} went to {city} to study {topic}.
Doctor {surname} said that my {body} and my {body} are {adjective}.
Mister {surname} works as a {job} in {city}.
Mrs. {surname} has {number} {object}s and {number} {animal}s.
The {job} told the {job} to {base} the {object} {adverb}.
It was a {adjective}, {adjective} day, and the {nature} was {adjective}.
{when}, the {job} {past} {quantity} {object}s from the {room}.
There are {number} {unit} between {city} and {city}.
It takes about {number} {unit} to {base} the {object}.
The {abstract} was {adjective}, but nobody {past} it.
His {abstract} about {topic} made everyone feel {feeling}.
I am {feeling} about the {abstract} we had {when}.
If it rains {when}, we will stay in the {room} and {actbase}.
Please {base} the {food}, the {food}, and the {drink}.
First, {base} the {food}, then {base} the {food} and add some {food}.
My {body} hurts because I {act} too much {when}.
The {animal} and the {animal} {act} across the {nature}.
Nobody knows why the {animal} {act} {when}.
I would rather {actbase} than {actbase} in the {adjective} {nature}.
{name} never liked {actgerund}, but {pronoun} always enjoyed {actgerund}.
He was born on {date}, {year}, in {city}.
She moved to {country} in {year} to work as a {job}.
The meeting is on {day}, {date}, at {time}.
The train to {city} leaves at {time} from platform {number}.
The {object} costs {money}, and the {object} costs {money}.
We paid {money} for the {adjective} {clothing}.
Chapter {number} explains the {abstract} of {topic}.
Call me at {time} if the {business} is late.
Please send the {business} to {name} {surname} before {day}.
The {business} and the {business} are {adjective} this {month}.
Our {business} grew by {number} percent in {year}.
The {business} was {adjective}, so the {business} changed its {business}.
I forgot the {business} for my {business} again.
Turn on the {device}.
Turn off the {device} in the {room}.
Set a timer for {number} minutes.
Remind me to {base} the {object} at {time}.
Open the {object}.
Add {food} and {food} to the shopping list.
Play some {topic} music in the {room}.
Send a message to {name}.
What time is it in {city}?
What is the weather like in {city} {when}?
Yes, I {past} it.
No, {pronoun} did not {base} the {object}.
Thank you very much, {name}.
Good morning, everyone, and welcome to {city}.
I'm sorry, but I can't {base} your {object}.
It's {adjective}, isn't it?
That's what {name} {surname} said {when}.
Don't {base} the {object} unless I tell you.
They didn't {base} the {object} because it wasn't {adjective}.
We've {adverb} {past} the {abstract}, and we'll {base} it {when}.
You're going to {base} the {abstract}, aren't you?
I don't think {pronoun} {modal} {base} the {abstract}.
She doesn't {actbase} when it's {adjective}.
He's {actgerund} with {possessive} {family} in {country}.
Let's {actbase} in the {nature} {when}.
There's a {adjective} {animal} {relation} the {object}.
Who's {actgerund} in the {room}?
I'd like to {base} a {adjective} {object} for my {family}.
The {nature} was {colour} and the {nature} was {colour}.
Although {pronoun} {past} the {abstract}, {pronoun} {adverb} {act}.
While {name} was {actgerund}, {name} was {gerund} the {object}.
Before {gerund} the {object}, you should {base} the {object}.
After {number} years of {actgerund}, the {job} {act} {adverb}.
The {job}, who {past} the {object}, {be} {feeling}.
The {object}, which was {adjective} and {adjective}, {be} in the {room}.
{topic} is more {adjective} than {topic}.
The most {adjective} {animal} in {country} is the {animal}.
As {adjective} as a {animal}, the {job} {act} into the {room}.
Every {day}, my {family} goes to the {room} to {actbase}.
In {month}, the {nature} near {city} {be} {adjective}.
The {job}'s {object} {be} {relation} the {job}'s {object}.
{name}'s {family} {past} {number} {adjective} {food}s.
{quantity} {job}s {act} to the {room} {when}.
We need {quantity} {object}s, {quantity} {food}s, and one {adjective} {object}.
You {modal} {actbase} {connector} the {job} {act}.
I {modal} {base} it {connector} you {base} the {object}.
The {abstract} between {country} and {country} {be} {adjective} in {year}.
News about the {abstract} reached {city} {when}.
According to the {job}, the {abstract} {modal} be {adjective}.
It is {adjective} to {base} the {object} without a {object}.
This {object} is made of {adjective} {nature} and {colour} {nature}.
Two plus {number} is not {number}.
The answer is {number} point {digit} {digit}.
My phone number is {digit} {digit} {digit}, {digit} {digit} {digit} {digit}.
Turn left at the {room}, then go straight for {number} {unit}.
I wonder whether the {job} will {base} {possessive} {abstract}.
{pronoun} said that the {abstract} was {adjective}, and that the {abstract} was {adjective}.
Not only the {animal}, but also the {animal}, was {actgerund}.
Either {name} or {name} {modal} {base} the {object}.
Neither the {food} nor the {food} was {adjective}.
What a {adjective} {object}!
How {adjective} the {nature} looks {when}!
To be honest, I {past} {possessive} {abstract}.
In my opinion, {topic} is {adjective}.
For example, the {animal} {modal} {actbase} in the {nature}.
On the other hand, {topic} {modal} be {adjective}.
By the way, did you {base} the {object} I {past} {when}?
We were {actgerund} when the {nature} became {adjective}.
Once upon a time, a {adjective} {job} lived in a {adjective} {room} by the {nature}.
The {animal} opened its {body} and {act}.
He put his {body} on the {object} and {act}.
Her {body} was {adjective}, so the {job} {past} it {adverb}.
{number}.
{number} {unit}.
{name} {surname}.
{city}, {country}.
{day}, {date}.
At {time}.
"""

SLOT = re.compile(r"\{(\w+)\}(s?)\b|\{(\w+)\}")
VOCABULARY = {
    kind: words.split("|") if "|" in words else words.split() for kind, words in WORDS.items()
}
PATTERNS = [line for line in TEMPLATES.split("\n") if line]


def ordinal(value):
    """English ordinal of 1...31."""
    special = {1: "first", 2: "second", 3: "third", 5: "fifth", 8: "eighth", 9: "ninth"}
    special |= {12: "twelfth", 20: "twentieth", 30: "thirtieth"}
    if value in special:
        return special[value]
    if value > 20:
        return number_words(value - value % 10) + "-" + ordinal(value % 10)
    return number_words(value) + "th"


def spoken_number(random):
    top = random.choice((20, 100, 100, 1000, 10_000, 1_000_000))
    return number_words(random.randrange(top))


def spoken_time(random):
    hour, minute = random.randrange(1, 13), random.choice((0, 5, 10, 15, 20, 25, 30, 40, 45, 50))
    if minute == 0:
        return number_words(hour) + random.choice((" o'clock", "", " in the morning"))
    if minute == 30 and random.random() < 0.5:
        return "half past " + number_words(hour)
    if minute == 15 and random.random() < 0.5:
        return "a quarter past " + number_words(hour)
    minutes = "oh five" if minute == 5 else number_words(minute)
    return number_words(hour) + " " + minutes


def fill(kind, random):
    if kind == "number":
        return spoken_number(random)
    if kind == "digit":
        return number_words(random.randrange(10))
    if kind == "year":
        return year_words(random.randrange(1700, 2040))
    if kind == "date":
        return random.choice(VOCABULARY["month"]) + " " + ordinal(random.randrange(1, 32))
    if kind == "time":
        return spoken_time(random)
    if kind == "money":
        unit = random.choice(("dollars", "pounds", "euros", "cents"))
        return number_words(random.randrange(2, 1000)) + " " + unit
    return random.choice(VOCABULARY[kind]).replace("-", " ")


def plural(noun):
    if re.search(r"(s|x|z|ch|sh)$", noun):
        return noun + "es"
    return noun[:-1] + "ies" if re.search(r"[^aeiou]y$", noun) else noun + "s"


def slot_words(slot, random):
    if slot.group(2):
        return plural(fill(slot.group(1), random))
    return fill(slot.group(1) or slot.group(3), random)


def sentence(random):
    """One everyday sentence, cased and punctuated as it would be written."""
    text = SLOT.sub(lambda slot: slot_words(slot, random), random.choice(PATTERNS))
    text = re.sub(r"\b([Aa]) (?=[aeiouAEIOU])", r"\1n ", text)
    return text[0].upper() + text[1:]
