"""General English sentences from a grammar with a vocabulary wider than that of everyday.py.

Verbs are inflected, sentences are joined, opened and closed with set phrases. `sentence(random)`
gives one cased, punctuated sentence; `WORDS` is every word that the grammar knows.
"""

import re

from everyday import VOCABULARY, plural
from everyday import fill as everyday_fill

NOUNS = """
ability absence access accent accommodation account ache acid acre action activity addition address adult advantage advertisement affair age agency agent agreement air alarm album alcohol alley allowance ally amount anchor angle ankle anniversary announcement anxiety apartment apology appeal appearance appetite application appointment apprentice approach approval arch argument army arrangement arrival arrow article artist ash aspect assembly assignment assistant atmosphere attempt attention attitude audience author authority autumn avenue award axe baby background bag baggage balance ball band bandage banner bargain bark barrel base basin bath battle bay beach beam beard beast beauty bed bedtime beginning behaviour belief bell benefit bill bird birth bite blade blame blaze blessing block blood blossom blouse board boil bomb bond bonfire bookcase bookshop border boss bottom boundary bowl boyfriend brain brake brand breath breed breeze brick bride bridegroom bruise bubble bucket budget bug builder bull bullet bump bunch bundle burden burglar burn bush butcher button buyer cabin cabinet cage calendar calf call camp campus canal cancer candidate candy canvas cap capital captain card care career cargo carriage cart cartoon case cash castle cat cattle cause ceiling celebration cell cellar cemetery centre century cereal certificate chain chairman challenge chamber chance chapel character charge charity charm chart chase cheek cheer cheque chest chief child childhood chimney chin chip choir chore cigarette circle circumstance circus citizen claim clay clerk client climate climb cloth clothes cloud club clue coach coal coast code coffin coincidence collar collection college column comfort comma command comment commission commitment committee communication community companion comparison compensation competitor complaint complexion compliment concept concern concert conclusion condition conductor confidence conflict congress connection conscience consequence construction contact container content contest context continent contrast contribution control convenience cooperation copper copy cord core corner corporation corridor cost cottage cotton council counter country countryside county coup couple courage course court cousin cover cow crack cradle craft crane crash credit crew crime criminal crisis critic crop cross crossing crossroads crowd crown cruise crust cry cube culture cupboard cure currency current curse curve cushion custom cut cycle damage dance danger darkness date daughter dawn daylight deal death debate debt decade deck decoration deed defeat defence degree delay delight delivery demand democracy department departure deposit depth description desire despair dessert destination destruction detail determination development device diary dictionary diet difference difficulty dinner direction director dirt disagreement disappointment disaster discount discovery disease dish distance district disturbance ditch division divorce document donation dose doubt dozen draft dragon drain drama draw dream dressing driveway drop drought drug duty dye eagle earring earth earthquake ease east echo economy edge edition editor education effect effort egg elbow election electricity element elevator embassy emotion emperor employer employment enemy energy engagement enthusiasm entrance entry envelope environment envy episode equipment error escape essay estate evening event evidence evil exam excitement exercise exhibition exit expense experience expert explosion export expression extent extra fabric face facility fact failure fairy faith fame fan fantasy fare farewell fashion fate fault favour feast feather feature fee feedback fellow female ferry fever fibre fiction field fight figure file film filter finding fine finish firewood firm fist fitness flame flash flat flavour fleet flesh flight flood floor flour flow flu fluid focus fold folk fool force forecast forehead form formula fortnight fortune foundation fountain frame freedom freezer frequency fridge friendship fright fruit fuel fun function fund funeral fur furniture future gallery game gang gap gas gathering gaze gear generation genius gesture ghost giant gift girl girlfriend glance glory glow glue goal god gold goodness gossip government gown grade grain grandchild grandparent grape grass grave gravity grey grief grip grocery ground group growth guarantee guess guest guide guilt gum gun guy habit hairdresser half halt handbag handful handle handwriting harbour harm harvest haste headache headline health heap hearing heaven hedge heel height hell herb hero hesitation hill hint hip hire hobby hole home homework honesty honour hood hook horn horror host hostel household housewife hunger hunter hut ice idiot illness image imagination impact improvement impulse incident income increase independence industry infant infection influence information ingredient inhabitant injury ink inquiry insect insight instance instinct institution instruction instrument insult intelligence intention interval introduction invasion investment iron irony issue item ivory jail jar jaw jewel joint joke journal joy judgment jug jungle junior jury justice kid kidney kindness king kingdom kiss kit knee knight knock knot knowledge label labour lace lack lad lady lamb lamp landing landlord landscape lane lap laughter laundry law lawn layer lead leader leaflet league leak leap learner leather lecture legend leisure length lens level liberty licence lid lie life lifetime lift lighthouse limb limit line lion lip liquid list literature litter liver load loan local location log loneliness look lorry lot loyalty luck luggage lump luxury machine maid mail male manner mansion manual margin mark marriage mask mass master mate material matter mayor meal meaning measure meat media medal medicine member membership memo mention menu merchant mercy mess message metal method middle midnight might military mill mind mineral minister minority minute miracle misery mission mist mixture moment monster mood moonlight moral morning mortgage moss moth motion motive motor motorway mould mood mud murder murderer mystery myth nail nation nature navy necessity needle neighbourhood nephew nest net network news niece nightmare noise nonsense noon north note nothing notice notion novel nut oak oath object obligation observation occasion occupation ocean odds offence offer officer oil onion opening opera operation opponent opportunity opposite option orbit orchard orchestra order organ origin orphan outcome outfit outline outlook output outsider oven owner oxygen pace package packet page pain pair palace palm panel panic paragraph parade parcel parent parking parliament part participant partner passage passenger passion passport past paste pastry patch path patience patient pattern pause pavement payment peace peak peasant pedestrian peel pen penalty pension pepper percentage performance perfume period permission permit person personality perspective petrol phase phenomenon philosopher photo phrase physician pianist picnic piece pile pilgrim pill pillar pine pint pipe pirate pit pitch pity place plague plain plan planet plant plaster platform play player playground pleasure plenty plot plough pocket poem poet poetry point poison pole police policeman policy politician pollution pond pool pope population porch port portion portrait position possession possibility post poster pot poverty powder power practice prayer precaution preference pregnancy prejudice preparation presence present president pressure pride priest prince princess principle print priority prison prisoner privacy privilege prize procedure process production profession profit programme progress proof property proportion proposal protection protest province pub publication publicity publisher pudding pump punch punishment pupil purchase purpose purse quality quantity quarrel quarter queen queue quilt quote race rack rail railway rain rainfall raisin range rank rat rate ray reaction reader reality rear reception receipt recipe recommendation record recovery reduction reference reflection reform refugee region regret regulation relationship relative relief religion remark remedy reminder rent reply reporter reputation request requirement rescue research resident resistance resource respect response responsibility rest revenge review revolution reward rhythm rib rice rider rifle rise risk rival roar robbery role roof root rope route routine row rubber rubbish rug ruin ruler rumour runner rush sack sacrifice saddle safety sail saint sake salary sale salesman sample satellite satisfaction sauce saving saying scale scandal scene scenery scent scheme scholar scholarship science scope score scratch scream screen script sculpture seal search season seat secretary section sector seed selection sense sentence sequence series sermon servant session settlement sewer sex shade shadow shame shape share shed sheet shelf shell shelter shepherd shift shine shirt shock shop shopkeeper shopping shore shortage shot shoulder shout show shower sickness side sigh sight sign signal signature significance silence silk sin singer sink site situation size skill skirt slave sleep sleeve slice slide slope smell smile smoke snack snowman society soil soldier solution soul sound source south space spade spark speaker species speech speed spell spice spirit spite splash split sponge sport spot spray spread spring square squad squash staff stage stain staircase stake stall standard star stare start state statement status steam steel stem step stick stitch stock stomach stool storage store stranger straw street strength stress stretch strike string strip stroke structure struggle studio stuff style subject substance suburb success sugar suggestion sum summary sunlight sunshine supper supply support surface surgery surgeon surprise surroundings survey survival suspect suspicion sweat sweetheart switch sword symbol sympathy symptom system tail tale talent talk tank tap target task taste tax taxi tea team tear teenager temper temperature temple temptation tendency tension term terrace territory terror test theft theory thief thing thirst thought threat thrill throat throne thumb tide timber tin tip tissue title toast tobacco toilet toll tomb tone tool tooth top torch total tour tourism towel town toy trace track trade tradition traffic tragedy trail trainer transition translation transport trap trash traveller tray treasure treatment treaty trend trial triangle tribe trick trip triumph troop trouble trunk trust truth tube tune turn tutor twin twist type tyre uncle understanding unemployment union unity universe university update urge use user vacation valley value van variety vase vegetable vehicle veil vein venture verdict verse version vessel vet victim victory video view villa village villager vine violence virtue virus vision visit visitor vitamin vocabulary voice volume volunteer vote voyage wage waist walk wall war ward wardrobe warmth warning warrior waste waterfall wave wax weakness wealth weapon wedding weed weight welfare west wheat wheelchair whip whisper widow width wilderness will willow wing winner wisdom wish wit witch witness woman wonder wood wool work worker workshop worm worry worship wound wreck wrist writer writing yard yawn youth zone
"""
TRANSITIVE = """
accept admire admit afford announce approve arrange assume attack attract avoid bake beat bend bite blame bless bless block boil bother break bring broadcast build burn bury buy calculate cancel capture carve cast celebrate challenge charge chase cheat check choose claim collect combine compare complete conceal confirm confuse connect consider consult consume contain control convince copy correct cover crack create criticise cross crush cure cut damage decorate defeat defend define delay deliver demand deny deserve design destroy detect develop dig discover discuss dislike display distribute disturb divide doubt draw drag drop earn eat educate elect embarrass employ encourage end enjoy enter entertain escape establish estimate examine exchange exclude excuse expand expect experience explain explore express extend face feed feel fetch fight fill find finish fire fit fix fold follow forbid forget forgive freeze frighten gain gather give grab greet grind guard guess guide handle hang harm heat hide hire hit hold hunt hurt identify ignore imagine imitate impress improve include increase inform inherit injure inspect install insult intend interrupt introduce invent invest invite involve iron join judge keep kick kill kiss knock know lack launch lay lead leave lend lick lift light like limit load lock lose love lower maintain manage mark marry mean measure meet melt mend mention miss mix multiply murder name need neglect notice obey observe obtain occupy offer open oppose organise overcome overhear overlook owe own pack paint park pass pat pay peel perform permit persuade pick pinch place plan plant please point polish possess postpone pour praise predict prefer prepare present press pretend prevent print produce promise promote pronounce propose protect prove provide publish pull pump punch punish purchase push put question quit raise rank reach read realise receive recognise recommend record recover recycle reduce refuse regret reject release rely remember remind remove rent repair repeat replace report represent request rescue resemble reserve resist respect restore reveal review ride ring rip roast rob roll rub ruin rule rush sack save say scare scratch search see seek seize select sell separate serve set settle sew shake shape share shave shoot show shut sign slap slice smell solve sort spare spell spend spill spoil spot spread squeeze stain start steal stick sting stir stop store strengthen stretch strike study submit suck suffer suggest supply support surprise surround survive suspect swallow sweep swing take taste teach tear tease tell test thank threaten throw tidy tie touch trace track trade train translate trap treat trim trust try turn type understand undo unlock update upset urge use value visit waken warm warn waste watch water wave weaken wear weave weigh welcome whip widen win wipe witness wonder worship wrap write
"""
INTRANSITIVE = """
agree appear argue arise ascend bathe beg begin behave belong bleed blink bloom blush bow breathe burst camp cheer choke collapse come compete complain concentrate continue cooperate cough crawl creep cry dance decay decline depart descend differ dine disagree disappear dive doze dream drift drive drown emerge exist explode fade fail faint fall fish flee float flow fly frown gallop gamble gaze giggle glance glow go gossip graduate grin groan grow grumble happen hesitate hope hurry improve interfere jog joke joke kneel land last laugh lean leap lie limp linger listen live look march matter meditate moan mourn move mumble nap object occur panic participate pause perish play plead pray proceed protest quarrel race rain react relax remain reply resign respond rest retire retreat return rise roar row rush sail scream search settle shine shiver shop shrink shrug sigh sink sit skate sleep slide slip smile smoke snore sob speak spin stand stare stay step struggle stumble succeed surrender sweat swell swim sympathise talk think tremble trip triumph vanish vote wait wake walk wander whisper whistle wink work worry yawn yell
"""
IRREGULAR = """
arise arose arisen|be was been|bear bore borne|beat beat beaten|become became become|begin began begun|bend bent bent|bite bit bitten|bleed bled bled|blow blew blown|break broke broken|breed bred bred|bring brought brought|broadcast broadcast broadcast|build built built|burst burst burst|buy bought bought|cast cast cast|catch caught caught|choose chose chosen|come came come|cost cost cost|creep crept crept|cut cut cut|dig dug dug|draw drew drawn|drink drank drunk|drive drove driven|eat ate eaten|fall fell fallen|feed fed fed|feel felt felt|fight fought fought|find found found|flee fled fled|fly flew flown|forbid forbade forbidden|forget forgot forgotten|forgive forgave forgiven|freeze froze frozen|give gave given|go went gone|grind ground ground|grow grew grown|hang hung hung|hide hid hidden|hit hit hit|hold held held|hurt hurt hurt|keep kept kept|kneel knelt knelt|know knew known|lay laid laid|lead led led|leave left left|lend lent lent|lie lay lain|light lit lit|lose lost lost|make made made|mean meant meant|meet met met|overcome overcame overcome|overhear overheard overheard|pay paid paid|put put put|quit quit quit|read read read|ride rode ridden|ring rang rung|rise rose risen|run ran run|say said said|see saw seen|seek sought sought|sell sold sold|send sent sent|set set set|sew sewed sewn|shake shook shaken|shine shone shone|shoot shot shot|show showed shown|shrink shrank shrunk|shut shut shut|sing sang sung|sink sank sunk|sit sat sat|sleep slept slept|slide slid slid|speak spoke spoken|spend spent spent|spill spilt spilt|spin spun spun|spread spread spread|stand stood stood|steal stole stolen|stick stuck stuck|sting stung stung|strike struck struck|sweep swept swept|swell swelled swollen|swim swam swum|swing swung swung|take took taken|teach taught taught|tear tore torn|tell told told|think thought thought|throw threw thrown|understand understood understood|undo undid undone|upset upset upset|wake woke woken|wear wore worn|weave wove woven|win won won|write wrote written
"""
DOUBLED = frozenset(
    "admit beg chat drag drop fit forbid forget grab grin hit hug jog knit nap occur pat permit plan put quit regret rip rob rub run set shop shrug shut sit skip slap slip sob spin spot step stir stop submit swim tap trap travel trim trip upset whip win wrap begin cut dig cancel control dial model prefer quarrel".split()
)
ADJECTIVES = """
able absent absolute academic accurate active actual additional adequate aggressive agricultural alive alone amateur amazing ambitious amusing annual anonymous anxious apparent appropriate artificial asleep attractive automatic available average awake aware awkward bare basic bent bitter blank blind blond bold bored brief brilliant broad brutal calm capable casual central certain charming cheerful chemical chief childish civil clear clever close cloudy clumsy coarse comfortable common comic compact competent competitive complete complex complicated confident conscious considerable consistent constant contemporary content continuous convenient conventional convincing cool corrupt costly cosy courageous crazy creative criminal critical crowded crucial crude cultural curly current damp dead deaf decent deep definite deliberate democratic dense dependent desperate determined different digital dim diplomatic direct disabled distant distinct domestic double doubtful dramatic drunk dull dusty eager eastern easy economic educational effective efficient elaborate elastic elderly elderly electric electronic elegant eligible emotional encouraging endless enthusiastic entire equal essential eternal even eventual everyday evident evil exact excellent exceptional excessive exclusive exotic expected experienced extensive external extra extraordinary extreme faint fair faithful false familiar fantastic fashionable fatal favourite fierce final financial fine firm first fit flexible flat fluent foggy following fond forgotten formal former fortunate frank free frequent friendly frozen full fun fundamental funny future general generous genuine glad global gloomy glorious gorgeous graceful gradual grand grateful great greedy gross guilty handsome handy happy harmless harsh healthy helpful helpless hidden historic historical hollow holy homeless hopeless horrible hostile human humble humid humorous ideal identical idle ignorant ill illegal imaginary imaginative immediate immense impatient important impossible impressive inadequate incredible independent indirect individual industrial inevitable infinite informal initial inner innocent intelligent intense internal international invisible irrelevant isolated joint junior keen known large last late lasting latter lean leading learned legal lengthy level liberal lifelong light likely limited literary little live lively living logical lonely loose lost loud loyal lucky mad magic magnificent main major male married massive mature maximum mean meaningful mechanical medical medieval mental mere merry messy middle mild military minimum minor miserable missing mixed mobile moderate modest moral muddy multiple musical mutual naked narrow nasty native natural naughty neat necessary negative neighbouring neutral next nice noble noisy northern notable nuclear numerous obvious occasional odd official only opposite optimistic oral organic original other outdoor outer outstanding overall overseas own painful pale parallel partial particular passive past patient permanent personal persistent pessimistic physical plain pleased plentiful pointed poisonous political popular portable positive possible potential powerful practical precious precise pregnant present previous primary prime primitive principal prior private probable professional profitable prominent prompt proper prosperous protective psychological pure purple puzzled quick rainy random rapid rare rational raw ready real realistic reasonable recent regional regular related relative relevant reliable religious reluctant remarkable remote repeated required residential resolute respectable responsible restless retail reverse rid ridiculous right rigid ripe rising romantic rotten royal rural ruthless sacred satisfactory scared scattered scientific secondary secure selfish senior sensible sensitive separate severe shaky shallow shiny shocking short sick significant similar sincere single skilful skinny sleepy slight slim slippery small smart snowy sober social solar sole solid sore southern spare special specific spectacular spicy spiritual splendid spoken square stable standard static steady steep sticky stiff still straight straightforward striking stubborn subsequent substantial subtle successful sudden sufficient suitable sunny super superb superior supposed sure surplus surprising suspicious swift sympathetic tall tame tasty technical temporary tender terrific theoretical thorough thoughtful tidy tight timid tiny tolerant top total tough toxic traditional tragic transparent trendy tricky tropical troubled true typical unable uncertain unconscious underground uneasy unemployed unexpected unfair unfortunate unhappy uniform unique universal unknown unlikely unlucky unnecessary unpleasant untidy unusual upper upright upset urban urgent usual vague vain valid various vast vertical vicious violent virtual visible visual vital vivid voluntary vulnerable wandering wealthy weary weird welcome well western whole wicked widespread wild willing windy wise worried worthless worthy wounded written wrong yearly youthful
"""
ADVERBS = """
abroad absolutely accidentally accordingly actually again ahead altogether always anxiously anyway apart apparently approximately automatically aside away backwards badly basically beautifully bitterly briefly brightly broadly carelessly cautiously clockwise closely comfortably commonly completely confidently considerably consistently constantly continuously conveniently correctly curiously daily dangerously deeply definitely deliberately desperately directly downhill dramatically effectively efficiently elsewhere enormously entirely equally especially essentially evenly ever everyday exclusively extremely fairly faithfully famously far fast financially firmly fluently forever formally fortunately forward frankly freely frequently fully further generally generously gradually gratefully greatly half halfway happily heavily helplessly here highly honestly hopefully however hungrily ideally immediately independently indoors inevitably initially innocently instantly instead intentionally just kindly largely lately lazily legally less lightly literally locally luckily mainly maybe meanwhile merely mildly moreover mostly mysteriously namely naturally neatly necessarily nervously nevertheless nicely normally notably now nowadays nowhere occasionally oddly officially once openly originally otherwise outdoors overnight overseas painfully partly particularly peacefully perfectly permanently personally physically pleasantly possibly powerfully practically precisely presently previously privately promptly properly proudly publicly purely quite randomly rapidly rather readily reasonably regularly relatively repeatedly respectively roughly rudely sadly safely scarcely secretly seldom separately seriously severely shortly significantly similarly simply sincerely slightly smoothly softly somehow somewhat specifically steadily still straight strangely strictly strongly successfully sufficiently supposedly surely surprisingly technically temporarily terribly therefore thoroughly thus tightly today together tonight totally traditionally truly twice typically ultimately unexpectedly unfortunately unusually upwards usually vaguely violently virtually visibly voluntarily warmly well wholly widely wildly willingly wisely yesterday yet
"""
OPENINGS = """
After all|Again and again|All of a sudden|Apart from that|As a matter of fact|As a result|As a rule|As expected|As far as I know|As usual|As you know|At first|At first sight|At last|At least|At that moment|At the age of {number}|At the beginning|At the end of the day|At the moment|At the same time|Before long|Believe it or not|By accident|By and large|By chance|By now|By the time we arrived|Every now and then|Every other day|Few people know that|For a long time|For once|For some reason|For the first time in years|For the time being|From now on|From time to time|Generally speaking|If I were you|If I remember correctly|If you ask me|In a way|In addition|In any case|In fact|In general|In other words|In short|In spite of everything|In the beginning|In the distance|In the end|In the long run|In the meantime|In the old days|In the past|In theory|In those days|Instead of that|It turned out that|Just in case|Later that evening|Little by little|Luckily|More often than not|Most of the time|No matter what happens|No wonder|Nowadays|Of course|On average|On the contrary|On the whole|On top of that|Once in a while|One by one|One day|One morning|Only a few years ago|Over the years|People say that|Quite often|So far|Some time later|Sooner or later|Strangely enough|Sure enough|That way|The other day|The sooner the better|Then again|These days|This time|Thanks to you|To begin with|To make matters worse|To my surprise|To tell the truth|Under the circumstances|Until recently|Unless I am mistaken|Up to now|What is more|Whether you like it or not|With a bit of luck|Without a doubt|Years ago
"""
CLOSINGS = """
after a while|after all these years|all day long|all over the world|all the time|all year round|and so on|as a matter of course|as quickly as possible|as soon as possible|as usual|as well|at all|at any time|at full speed|at home|at once|at school|at sea|at short notice|at the corner|at the last minute|at work|because of the weather|before it was too late|before midnight|by accident|by bus|by heart|by mistake|by the door|by train|day and night|during the war|even so|ever since|every single day|far away|for a change|for a living|for a while|for ages|for dinner|for ever|for free|for fun|for good|for nothing|for the first time|for the rest of my life|from beginning to end|from door to door|from morning till night|here and there|in a hurry|in a loud voice|in advance|in an hour or so|in bed|in charge of it|in common|in danger|in front of everyone|in her own way|in my spare time|in no time|in pieces|in private|in public|in silence|in the dark|in the middle of the night|in the near future|in the open air|in the rain|in the shade|in the wrong place|in time|in turn|in vain|just now|just like that|less and less|more and more|more or less|no longer|now and again|of his own free will|off and on|on behalf of us all|on business|on purpose|on schedule|on the left|on the phone|on the right-hand side|on the spot|on the way home|on time|on weekdays|once and for all|once more|one after another|out loud|out of breath|out of date|out of sight|over and over again|rather well|right away|sooner than expected|step by step|the day after tomorrow|the day before yesterday|the other way round|these days|this time|to a certain extent|to be on the safe side|to some degree|under control|under pressure|until further notice|up and down|upside down|very much|what a pity|without any help|without saying a word|without warning
"""
CLAUSES = """
The {N} {VED} the {N}
The {A} {N} {IED} {D}
The {N} of the {N} {IED}
The {N} in the {N} is {A} and needs to be {VEN}
{P} {VED} a {A} {N}
{P} {D} {VED} the {N}
{P} {VED} {POS} {N} and {IED}
{P} {IED} for {number} {UNIT}
{P} used to {V} the {N}
{PP} have never {VEN} such a {A} {N}
{P} had already {VEN} the {N}
{P} had to {V} the {Ns} before the {N} {IED}
{P} tried to {V} the {N}, but it was too {A}
{P} decided to {V} the {N} instead
{P} wanted to {I}, but the {N} was {A}
{P3} was {VING} the {N} when the {N} {IED}
{P} {M} {V} the {A} {Ns}
{P} {M} not {I} without a {N}
{P} told {O} about the {A} {N}
{P} asked {O} to {V} the {N}
{P} gave {O} a {A} {N}
{P} showed {O} how to {V} a {N}
{P} said that the {N} was {A}
{P} thought that {P} {M} {V} the {N}
{P} knew nothing about the {N}
{P} looked at the {N} and {IED}
{P} spent {number} {UNIT} {VING} {Ns}
{P} could hardly {V} the {N}
{P} felt {A} and {A}
{P3} was afraid of the {A} {N}
{P3} was tired of {VING} {Ns}
{P3} is interested in {N} and {N}
{P3} seems to {V} {Ns}
{P3} enjoys {VING} and {IING}
{P} kept on {IING}
{P} stopped {VING} {Ns} {number} {UNIT} ago
{P} can't stand {VING} {Ns}
{P3} doesn't mind {VING} the {N}
{P} didn't {V} the {N}
{P} won't {V} it unless {PP} {V} the {N}
{P3} has been {IING} since {time}
{P3} is going to {V} a {N}
The {Ns} were {VEN} by the {N}
The {Ns} have been {VEN} {D}
The {N} was {VEN} in {year}
A {N} was {VEN} near {city}
Most {Ns} {I} when {PP} {V} them
All the {Ns} in the {N} were {A}
Some of the {Ns} were {A}, and others were {A}
None of the {Ns} {IED}
Each {N} has a {A} {N}
Both {Ns} and {Ns} are {A}
There was a {N} on the {N}
There were {number} {Ns} in the {A} {N}
There is no {N} without {N}
There isn't enough {N} for the {N}
There is something {A} about the {N}
It is {A} to {V} {Ns}
It was {A} of {O} to {V} the {N}
It makes no difference whether {PP} {V} the {N}
It is not easy to {I} with a {A} {N}
It looks as if the {N} {M} {I}
It was the {N} that {VED} the {N}
The {N} that {P} {VED} was {A}
The {N} who {VED} the {N} {IED}
The {N} where {P} {VED} the {N} is {A}
The reason for the {N} was {A}
The price of {Ns} has {IEN}
The {A} part of the {N} is the {N}
The more {PP} {V}, the more {A} the {N} {I3}
The {N} is as {A} as the {N}
The {N} is more {A} than the {N}
This is the most {A} {N} that {PP} have ever {VEN}
That {N} belongs to {POS} {N}
These {Ns} are too {A} for a {N}
Those {Ns} look {A}
Such a {N} {M} {V} anyone
Nobody {VED} the {N}, so {P} {IED}
Everybody {VED} the {N} except {name}
Someone has {VEN} {POS} {N}
Anyone {M} {V} a {N}
{VING} {Ns} is {A} for the {N}
{N} and {N} go together
{Ns} and {Ns} are {VEN} in {country}
{name} and {POS} {N} {VED} the {N} together
{name}, {POS} {N}, {VED} a {A} {N}
My {family} {VED} {POS} {N} when {P} {IED}
The old {N} on the {N} has been {VEN} again
The {N} opened the {N} and {VED} the {Ns}
The {N} rang while {P} {VED} the {N}
The sun was {IING} and the {Ns} {IED}
The {job} {VED} the {N}, and the {job} {VED} the {N}
Whoever {VED} the {N} {M} {V} it
What {PP} need is a {A} {N}
What {VED} me most was the {N}
If {PP} {V} the {N}, {P} will {V} the {N}
If {P} had {VEN} the {N}, {P} would have {VEN} it
As soon as {P} {VED} the {N}, the {N} {IED}
When {P3} was a child, {P} often {VED} {Ns}
Since the {N} {IED}, nobody has {VEN} the {N}
Because the {N} was {A}, {P} {VED} the {N}
Even though it was {A}, {P} {VED} it
Although the {N} {IED}, the {N} was {A}
Until the {N} is {VEN}, {P} {M} {I}
"""
QUESTIONS = """
Who {VED} the {N}
What {VED} the {N}
What kind of {N} do you {V}
What happened to the {A} {N}
Why did {P} {V} the {N}
Why is the {N} so {A}
Why don't we {V} the {N}
Where can I {V} a {N}
Where have you {VEN} the {Ns}
When did the {N} {I}
When will the {N} be {VEN}
How did {P} {V} such a {A} {N}
How long did the {N} {I}
How far is the {N} from the {N}
How often do you {V} {Ns}
How much {N} do you need
How can anybody {V} a {N}
Which of the {Ns} is more {A}
Whose {N} is this
Do you have a {A} {N}
Do you know who {VED} the {N}
Do you think that the {N} {M} {I}
Does the {N} {I}
Did you {V} the {N} at the {N}
Have you ever {VEN} a {N}
Has anybody {VEN} {POS} {N}
Are you {A} or {A}
Are there any {Ns} in the {N}
Is the {N} {A} enough
Was the {N} {VEN}
Could I {V} your {N}
Could you tell me where the {N} is
Would you mind {VING} the {N}
Shall we {V} the {N} or {I}
May I {V} the {N}
Isn't the {N} {A}
Can't you {V} the {N}
Have you finished {VING} the {N}
"""
COMMANDS = """
Never {V} a {A} {N}|Always {V} the {N} before you {I}|Be {A} with the {Ns}|Don't {V} the {N}|{V} the {N}, please|Please {V} {O} a {N}|Let me {V} the {N}|Let us {V} the {Ns} together|Make sure that the {N} is {A}|Try to {V} the {N} {D}|Keep the {N} {A}|Take the {N} to the {N}|Put the {Ns} on the {N}|Give {O} the {A} {N}|Tell {O} about your {N}|Look at that {A} {N}|Stop {VING} the {N}|Stay away from the {N}|Help {O} {V} the {N}|Remember to {V} the {N}|Think of a {N}|Come and {V} the {N}|Go and {V} a {N}|Write to the {N}|Wait for the {N} to {I}|Hurry up, the {N} is {IING}|Leave the {N} where it is|Bring your {N} with you
"""
SUBJECTS = """
I|you|we|they|he|she|the {N}|the {A} {N}|my {family}|my {N}|{name}|{name} {surname}|the {job}|our {N}|his {N}|her {N}|their {N}|nobody|everyone|someone|people|the man|the woman|a friend of mine|the young {job}|one of the {Ns}|the whole {N}|an old {N}
"""
SINGULAR = "he|she|the {N}|the {A} {N}|my {family}|{name}|{name} {surname}|nobody|everyone|the {job}"
PLURAL = "I|you|we|they|the {Ns}|people|the children|the others|most people|some of us|my parents"

LISTS = {
    "N": NOUNS.split(), "V": TRANSITIVE.split(), "I": INTRANSITIVE.split(),
    "A": ADJECTIVES.split(), "D": ADVERBS.split(),
    "P3": SINGULAR.split("|"), "PP": PLURAL.split("|"),
    "P": (SUBJECTS.strip() + "|" + PLURAL).split("|"), "M": "can could should would might must will may".split(),
    "O": "me you him her us them".split(), "POS": "my your his her our their".split(),
    "UNIT": VOCABULARY["unit"][:6],
}  # fmt: skip
LISTS["N"] += VOCABULARY["object"] + VOCABULARY["animal"] + VOCABULARY["room"]
LISTS["A"] += VOCABULARY["adjective"]
PAST = {}
for row in IRREGULAR.strip().split("|"):
    base, simple, perfect = row.split()
    PAST[base] = (simple, perfect)
PATTERNS = {
    name: [line for line in text.strip().replace("\n", "|").split("|") if line]
    for name, text in {
        "clause": CLAUSES, "question": QUESTIONS, "command": COMMANDS, "opening": OPENINGS,
        "closing": CLOSINGS,
    }.items()
}  # fmt: skip
SLOT = re.compile(r"\{(\w+)\}")
FORM = re.compile(r"(V|I)(ED|EN|ING|3)$")
CONJUNCTIONS = ", and |, but |, so |, or | because | although | while | before | after | until "
CONJUNCTIONS = (CONJUNCTIONS + "| when | since | unless |; |, which means that | as if ").split("|")


def stem(verb):
    """The verb as -ed and -ing are added to it, without its final e."""
    if verb in DOUBLED:
        return verb + verb[-1]
    return verb[:-1] if verb.endswith("e") and not verb.endswith("ee") else verb


def inflected(verb, form):
    if form == "3":
        return plural(verb) if not verb.endswith("o") else verb + "es"
    if form == "ING":
        if verb.endswith("ie"):
            return verb[:-2] + "ying"
        return verb + "ing" if verb.endswith(("oe", "ye")) else stem(verb) + "ing"
    if verb in PAST:
        return PAST[verb][form == "EN"]
    if re.search(r"[^aeiou]y$", verb):
        return verb[:-1] + "ied"
    return stem(verb) + "ed"


def fill(kind, random):
    if kind == "Ns":
        return plural(random.choice(LISTS["N"]))
    if form := FORM.match(kind):
        return inflected(random.choice(LISTS[form.group(1)]), form.group(2))
    if kind in LISTS:
        return expand(random.choice(LISTS[kind]), random)
    return everyday_fill(kind, random)


def expand(pattern, random):
    return SLOT.sub(lambda slot: fill(slot.group(1), random), pattern)


def small(text):
    """The clause as it goes on inside a sentence."""
    first = text.split()[0]
    keeps = first.startswith(("I'", "I ")) or first == "I" or first in CAPITALS
    return text if keeps else text[0].lower() + text[1:]


CAPITALS = frozenset(VOCABULARY["name"] + VOCABULARY["city"] + VOCABULARY["country"])


def sentence(random):
    """One sentence of general English, cased and punctuated as it would be written."""
    draw = random.random()
    if draw < 0.16:
        text, mark = expand(random.choice(PATTERNS["question"]), random), "?"
    elif draw < 0.26:
        text, mark = expand(random.choice(PATTERNS["command"]), random), random.choice("...!")
    else:
        text, mark = expand(random.choice(PATTERNS["clause"]), random), "."
        if random.random() < 0.22:
            joint = random.choice(CONJUNCTIONS).replace(";", ",")
            text += joint + small(expand(random.choice(PATTERNS["clause"]), random))
        if random.random() < 0.18:
            text = expand(random.choice(PATTERNS["opening"]), random) + ", " + small(text)
    if mark != "?" and random.random() < 0.2:
        text += " " + random.choice(PATTERNS["closing"])
    text = re.sub(r"\b([Aa]) (?=[aeioAEIO]|un[a-hj-z])", r"\1n ", text)
    return text[0].upper() + text[1:] + mark


FORMS = [inflected(verb, form) for kind in "VI" for verb in LISTS[kind] for form in ("ED", "ING")]
WORDS = sorted({w for kind in "NVIAD" for w in LISTS[kind]} | set(FORMS))
