"""Everyday English from a small grammar with a broad vocabulary: talk, plans, numbers, names.

`paragraph(rng)` returns a list of sentences, cased and punctuated. Many templates put homophones
(their/there, its/it's, to/too/two, ...) where only the context tells them apart.
"""

import re

WORDS = {
    "first": """Maria James Priya Tom Aisha Daniel Sofia Ken Fatima Oliver Grace Hiroshi Elena
        Marcus Chloe Ahmed Lucy Peter Nadia Victor Hannah Diego Emma Raj Olga Samuel Mei Jack Anna
        Felix Wanjiru Carlos Ingrid Paul Leila George Sarah Tomas Alice Omar Rachel Ben Yuki David
        Claire Mohammed Kate Igor Laura Simon Zoe Martin Helen Robert Julia Andrew Nina Kevin Ruth
        Stephen Karen Michael Linda John Mary William Susan Richard Jessica Thomas Barbara""",
    "last": """Smith Chen Patel Garcia Kim Johnson Okafor Müller Rossi Novak Tanaka Silva Brown
        Nguyen Ivanov Lopez Wilson Andersson Khan Murphy Dubois Cohen Taylor Wong Hughes Santos
        Schmidt Walker Evans Martinez Fischer Clarke Romano Baker Campbell Lam Kowalski Wright""",
    "city": """London Paris Berlin Tokyo Chicago Toronto Madrid Lisbon Nairobi Sydney Boston
        Seattle Dublin Vienna Oslo Mumbai Cairo Lima Prague Athens Denver Glasgow Milan Geneva
        Singapore Bangkok Seoul Istanbul Warsaw Amsterdam Hong_Kong New_York San_Francisco""",
    "country": """France Japan Canada Brazil Kenya India Spain Norway Italy Mexico Egypt Germany
        Portugal Australia Ireland Sweden Greece Vietnam Poland Chile""",
    "company": """Google Microsoft Acme Northwind Siemens Toyota Contoso Globex Apple Amazon IBM
        BlueRiver Initech Nokia""",
    "day": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "month": """January February March April May June July August September October November
        December""",
    "season": "spring summer autumn winter",
    "language": "English French Spanish German Japanese Italian Portuguese Arabic Korean",
    "noun": """report meeting budget project car house garden kitchen phone laptop letter ticket
        camera door window table chair book story movie song picture map recipe plan idea question
        answer problem contract invoice package schedule bridge road train bus station airport
        hotel museum library school hospital office factory shop market bakery restaurant park
        river lake mountain beach forest island village street corner neighbour doctor teacher
        engineer lawyer nurse farmer driver manager customer student child baby dog cat horse bird
        fish tree flower field sky storm bag box bottle cup plate knife spoon lamp clock mirror
        carpet bed pillow blanket coat shirt jacket shoe hat glove key lock wallet coin bill bank
        account password computer printer screen keyboard cable battery engine wheel tyre brake
        website server database backup recording transcript microphone speaker interview lecture
        chapter paragraph sentence newspaper magazine painting concert theatre ticket_office
        birthday wedding holiday vacation party dinner breakfast lunch sandwich salad soup cake
        pie orange apple banana tomato potato onion carrot""",
    "plural": """reports tickets photos letters books keys friends parents children cousins
        neighbours students teachers colleagues customers engineers doctors visitors guests cars
        bikes houses windows shoes clothes plants flowers trees dogs cats birds apples tomatoes
        vegetables cookies glasses plates chairs tables boxes papers documents numbers results
        changes mistakes questions answers ideas plans problems meetings emails messages files
        pictures stories songs games tools machines""",
    "adj": """new old big small red blue green white black quick slow quiet loud bright dark warm
        cold heavy light clean dirty cheap expensive beautiful strange simple difficult important
        interesting boring funny serious happy sad angry tired hungry busy free ready late early
        empty full broken fresh sweet bitter soft hard long short tall wide narrow deep strong
        weak safe dangerous useful careful lovely terrible wonderful awful nice comfortable""",
    "adv": """quickly slowly carefully quietly really probably usually often never always finally
        suddenly clearly easily hardly nearly almost already recently together""",
    "verb": """buy sell find lose open close read write send bring take carry move clean paint
        fix break build check change choose finish start stop watch hear see show explain describe
        remember forget order cook eat share borrow return pack print sign review test record
        measure count compare prepare deliver cancel book visit""",
    "past": """bought sold found lost opened closed read wrote sent brought took carried moved
        cleaned painted fixed broke built checked changed chose finished started stopped watched
        heard saw showed explained described remembered forgot ordered cooked ate shared borrowed
        returned packed printed signed reviewed tested recorded measured counted compared
        prepared delivered cancelled booked visited""",
    "food": """pasta rice bread cheese soup salad chicken fish curry pizza noodles eggs pancakes
        fruit yoghurt chocolate coffee tea juice milk water""",
    "weather": "rain snow wind fog sunshine thunder frost hail",
    "feel": "tired happy worried excited nervous proud surprised confused relieved bored",
    "rel": """sister brother mother father wife husband son daughter aunt uncle cousin
        grandmother grandfather boss friend neighbour""",
    "num": """two three four five six seven eight nine ten eleven twelve fifteen twenty thirty
        forty fifty sixty ninety""",
    "ord": "first second third fourth fifth last next",
    "unit": "minutes hours days weeks months years kilometres miles metres kilograms litres euros dollars pounds",
    "place": """office station airport library park market kitchen garden beach museum hospital
        school hotel restaurant theatre harbour gym church factory warehouse""",
    "poss": "my your his her our their",
    "subj": "I you we they",
    "subj3": "he she it",
    "modal": "can could should would might must will",
    "link": "but and so because although while",
}
WORDS = {k: [w.replace("_", " ") for w in v.split()] for k, v in WORDS.items()}

# A choice is <name>; a name that is not in WORDS is made by SPECIAL below.
TEMPLATES = """
I think <subj> <modal> <verb> the <noun> before <day>.
<first> <past> the <adj> <noun> in <city>, and then <subj3> <past> <poss> <noun>.
Did you <verb> the <noun>?
Have you seen <poss> <noun>?
What time does the <noun> start?
Where did <first> <verb> <poss> <plural>?
Why would <subj> <verb> the <noun> again?
How many <plural> do we need for the <noun>?
Who <past> the <noun> on <day>?
When is <poss> <rel> coming to <city>?
Which <noun> is better, the <adj> one or the <adj> one?
Could you please <verb> the <noun>, <first>?
Can you <verb> it by <day>?
Please <verb> the <plural> and <verb> the <noun>.
Don't forget to <verb> the <noun>.
Let's <verb> the <noun> tomorrow.
Let's meet at the <place> at <time>.
The meeting is on <day>, <month> <dayno>, at <time>.
The <noun> costs <money>, which is more than we expected.
The <noun> costs less than the <noun>.
It costs about <money> for <int> <plural>.
My phone number is <phone>.
The code is <int>, and the room number is <int>.
In <year>, the <noun> was <adv> <past>.
Between <year> and <year>, they <past> more than <bigint> <plural>.
About <int> percent of the <plural> were <adj>.
<first> <last> works for <company> in <city>.
<first> <last>, who lives in <city>, <past> the <noun> last <season>.
Dr. <last> will see you at <time> on <day>.
Mr. <last> and Mrs. <last> <past> the <noun>.
Hello, <first>.
Hi, <first>, how are you?
Good morning, everyone.
Good evening, and welcome to the <noun>.
Thank you very much for the <plural>.
Thanks, <first>, that was very <adj>.
Yes, I <past> it yesterday.
No, I have never been to <country>.
Well, I am not sure about that.
However, the <noun> was too <adj> for <poss> <rel>.
Unfortunately, the <noun> is <adj> today.
Of course, we can <verb> it later.
First, <verb> the <noun>, then <verb> the <plural>.
After the <noun>, we went to the <place>.
Before you <verb> the <noun>, check the <plural>.
If it rains on <day>, we will stay at home.
If you <verb> the <noun>, I will <verb> the <plural>.
When the <noun> was ready, <first> <past> it.
Because of the <weather>, the <noun> was late.
Although the <noun> was <adj>, we <past> it.
I bought <food>, <food>, and <food> at the market.
We need <plural>, <plural>, and a <adj> <noun>.
She speaks <language>, <language>, and a little <language>.
The <adj>, <adj> <noun> belongs to <poss> <rel>.
<poss> <rel> <past> <num> <plural> in <month>.
There are <num> <plural> in the <noun>.
There is a <adj> <noun> near the <place>.
There was no <noun> in the <place>.
Is there a <noun> over there?
They left their <plural> over there.
They're going to <verb> their <noun> in <city>.
Their <noun> is <adj>, but they're happy with it.
I think they're <feel> because their <noun> is <adj>.
Their <plural> are in the <place>.
It's a <adj> <noun>, and its <noun> is <adj>.
The dog hurt its paw, so it's resting.
The company changed its name in <year>.
It's too <adj> to <verb> the <noun>.
It's <adj> today, isn't it?
The <noun> lost its <noun>.
You're <adv> right about your <noun>.
Your <noun> is here, and you're welcome to <verb> it.
If you're <adj>, take your <noun> with you.
I can hear you from here.
Come here and hear the <noun>.
I want to go too, but it is too far to walk.
The <num> of us went to the <place> too.
We have two <plural> and they have two, too.
This <noun> is more <adj> than that one.
I would rather <verb> than <verb>.
<first> is older than <first>, but younger than <first>.
We ate first, and then we <past> the <noun>.
I don't know whether the weather will be <adj>.
The weather in <city> was <adj> in <month>.
Tell me whether you can <verb> the <noun>.
I knew the new <noun> was <adj>.
She knew that the <noun> was new.
We no longer know where the <noun> is.
I know there is no <noun>.
He threw the ball through the window.
We walked through the <noun> and <past> a <noun>.
The right answer is on the left, so write it down.
Please write your name on the right side.
I have read the red book.
We would <verb> the wood, but it is wet.
Would you cut the wood for the fire?
The whole <noun> has a hole in it.
It took an hour to find our <noun>.
Our <noun> opens in one hour.
We won one game last <day>.
Only one of the <plural> won a prize.
The sun rose, and my son woke up.
Their son loves the sun.
We will meet for meat and <food> at the <place>.
I ate eight <plural>.
By the way, you can buy <food> by the <place>.
I will buy <num> <plural> by <day>.
She was seen at the scene by <first>.
You can see the sea from the <noun>.
Please be quiet, because the bee is asleep.
Wait, the weight of the <noun> is <int> kilograms.
Which witch is in the story?
Where were you when you were wearing that coat?
The plane flew over the plain.
A pair of shoes and a pear were on the table.
The knight arrived at night.
I need some flour to bake, not a flower.
He allowed us to read it aloud.
She passed the <noun>, and in the past she failed.
The principal reason is a matter of principle.
We accept everything except the last <noun>.
The effect was small, but it did affect the <noun>.
Don't lose the <noun>, because the lock is loose.
He gave me some advice and I will advise <first>.
Peace came after they shared a piece of <food>.
They rode along the road.
The tale was about a dog with a long tail.
We have been waiting for weeks, and I feel weak.
I'm <feel>, and I've <past> the <noun> for <num> <unit>.
We've been in <country> since <month>.
He said that <subj3> would <verb> the <noun>.
She told me that the <noun> wasn't <adj>.
<first> said it was <adj>, but I didn't believe it.
That's why we <past> the <noun>.
What's the <adj> part of the <noun>?
Who's going to <verb> the <noun>?
Whose <noun> is this?
It isn't <adj>; it's <adj>.
The plan has three parts: the <noun>, the <noun>, and the <noun>.
I can't believe that <first> <past> the <noun>!
What a <adj> <noun>!
Be careful!
Are you <feel>?
Do you know <first> <last>?
Is it <adj> in <city> in <month>?
On <day>, I'm flying from <city> to <city>.
We drove from <city> to <city> in <num> hours.
Turn left at the <noun>, then go straight for <int> metres.
The train leaves at <time> from platform <small>.
Chapter <small> explains how to <verb> a <noun>.
The temperature was <int> degrees.
Version <small> of the <noun> was <adv> <past>.
<first> ordered <int> <plural> from <company>.
The <ord> <noun> is <adj>, and the <ord> is <adj>.
I was <adv> <feel> when I <past> the <noun>.
To be honest, the <noun> was <adj>.
In my opinion, <subj> <modal> <verb> the <noun>.
As far as I know, <first> lives in <city>.
For example, a <adj> <noun> is <adv> <adj>.
Anyway, I have to go now.
So, what do you think about the <noun>?
Okay, let's <verb> the <noun>.
Actually, I <past> the <noun> on <day>.
I mean that the <noun> was <adj>.
We were <adv> late, so we took a taxi to the <place>.
Nobody <past> the <noun>, so the <plural> are still <adj>.
Everybody knows that <first> is <feel>.
My <rel> and I <past> <food> for dinner.
My <rel> is a <noun> in <country>.
He put the <noun> on the <noun>, and she <past> it.
The <noun> of the <noun> is <adj>.
Nothing is more <adj> than a <adj> <noun>.
Please call me at <phone> after <time>.
Send the <noun> to <first> by <month> <dayno>, <year>.
<name> <past> the <noun> in <name>.
<name> and <name> will <verb> the <noun>.
We visited <name> near <city>.
The town of <name> has <bigint> people.
Ask <name> whether the <noun> is <adj>.
"""
TEMPLATES = [t for t in TEMPLATES.strip().splitlines()]
SLOT = re.compile(r"<(\w+)>")
ONSETS = "b c d f g h j k l m n p r s t v w y z br ch cr dr fl gr kl kr pr sh st str th tr".split()
VOWELS = "a e i o u ai ea ia io oa ou".split()
CODAS = ["", "", "", "n", "r", "s", "l", "m", "k", "t", "nd", "rt", "x", "ck", "ss"]


def made_up_word(rng):
    """A pronounceable word that is in no dictionary."""
    return "".join(rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS)
                   for _ in range(rng.choice((1, 2, 2, 3))))


SPECIAL = {
    "time": lambda r: r.choice((f"{r.randint(1, 12)}:{r.choice(('00', '15', '30', '45', '05'))}",
                                f"{r.randint(1, 12)} o'clock", f"{r.randint(1, 12)} a.m",
                                f"half past {r.choice(WORDS['num'][:9])}", "noon")),
    "money": lambda r: r.choice((f"${r.randint(1, 999)}", f"{r.randint(2, 5000)} dollars",
                                 f"{r.randint(1, 99)}.{r.randint(10, 99)} euros")),
    "phone": lambda r: f"{r.randint(100, 999)}-{r.randint(1000, 9999)}",
    "int": lambda r: str(r.choice((r.randint(2, 20), r.randint(10, 100), r.randint(100, 9999)))),
    "small": lambda r: str(r.randint(1, 20)),
    "dayno": lambda r: str(r.randint(1, 31)),
    "bigint": lambda r: f"{r.randint(1, 999)},{r.randint(0, 999):03d}",
    "year": lambda r: str(r.randint(1850, 2030)),
    "name": lambda r: made_up_word(r).capitalize(),
}


def fill(template, rng):
    """Expands one template; the result begins with a capital and has the right a/an."""
    text = SLOT.sub(lambda m: SPECIAL[m[1]](rng) if m[1] in SPECIAL else rng.choice(WORDS[m[1]]),
                    template)
    text = re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", text)
    return text[0].upper() + text[1:]


def sentence(rng):
    """One sentence; now and then two of them joined by a conjunction."""
    text = fill(rng.choice(TEMPLATES), rng)
    if rng.random() < 0.12 and text.endswith("."):
        other = fill(rng.choice(TEMPLATES), rng)
        if other.endswith(".") and other.split()[0] in ("I", "We", "They're", "It's", "She", "He"):
            text = f"{text[:-1]}, {rng.choice(('but', 'and', 'so'))} " + (
                other if other.startswith("I") and not other.startswith("It") else other[0].lower() + other[1:])
    return text


def paragraph(rng, most=6):
    return [sentence(rng) for _ in range(rng.randint(1, most))]
