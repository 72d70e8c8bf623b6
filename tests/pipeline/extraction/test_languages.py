# ruff: noqa: E501 (a paragraph is a line)
"""Small pages in many languages, scripts and charsets: the article stays, what surrounds it goes, nothing is garbled."""

import unicodedata

import pytest

from textmill import batch_of
from textmill.pipeline.mappers.extract_html import ExtractHtml

ENGINES = ExtractHtml.model_fields["engine"].annotation.__args__
PAGES = {
    # language: direction, words of the menu, headline, three paragraphs
    "zh": (
        *("ltr", ["首页", "新闻", "体育"], "山谷里的水磨坊"),
        "山谷里的水磨坊建于一八〇三年，二百多年来一直为附近的村庄磨面。每年秋天，农民们都会赶着马车把新收的麦子送到这里。",
        "磨坊主的孙子说，他还记得石磨转动时的声音，整个房子都会跟着微微颤动。河水上涨的时候，他们必须整夜守着水闸。",
        "今年春天，村民们决定自己动手修复这座老建筑，希望孩子们能够看到面粉究竟是怎样磨出来的，也希望游客重新回到这里。",
    ),
    "ja": (
        *("ltr", ["ホーム", "ニュース", "お問い合わせ"], "谷の水車小屋"),
        "谷の水車小屋は一八〇三年に建てられ、二百年以上にわたって近くの村々のために小麦を挽いてきました。秋になると、農家の人々が馬車で麦を運んできます。",
        "粉屋の孫は、石臼が回るときの音を今でも覚えていると話します。川の水が増えると、家族は一晩中水門を見張らなければなりませんでした。",
        "今年の春、村の人々は自分たちの手でこの古い建物を修復することを決めました。子どもたちに小麦粉ができるまでを見せたいと考えています。",
    ),
    "ru": (
        *("ltr", ["Главная", "Новости", "Контакты"], "Мельница в долине"),
        "Водяная мельница в долине была построена в 1803 году и более двухсот лет молола зерно для окрестных деревень. Каждую осень крестьяне привозили сюда новый урожай.",
        "Внук мельника рассказывает, что до сих пор помнит звук жерновов, от которого дрожал весь дом. Когда поднималась вода, семья всю ночь стерегла запруду.",
        "Этой весной жители решили восстановить старое здание своими руками, чтобы дети увидели, как из зерна получается мука, и чтобы сюда вернулись гости.",
    ),
    "de": (
        *("ltr", ["Startseite", "Nachrichten", "Impressum"], "Die Mühle im Tal"),
        "Die Wassermühle im Tal wurde 1803 gebaut und hat über zweihundert Jahre lang für die umliegenden Dörfer gemahlen. Jeden Herbst brachten die Bauern die neue Ernte hierher.",
        "Der Enkel des Müllers erzählt, dass er das Geräusch der Mühlsteine noch immer im Ohr hat. Wenn der Fluss stieg, musste die Familie die ganze Nacht am Wehr wachen.",
        "In diesem Frühjahr haben die Bewohner beschlossen, das alte Gebäude größtenteils selbst zu erneuern, damit die Kinder sehen, wie aus Körnern Mehl wird.",
    ),
    "fr": (
        *("ltr", ["Accueil", "Actualités", "Mentions légales"], "Le moulin de la vallée"),
        "Le moulin à eau de la vallée a été construit en 1803 et a moulu le blé des villages voisins pendant plus de deux siècles. Chaque automne, les paysans y apportaient la récolte.",
        "Le petit-fils du meunier se souvient encore du bruit des meules, qui faisait trembler toute la maison. Quand la rivière montait, la famille veillait la nuit entière près de la vanne.",
        "Au printemps, les habitants ont décidé de rénover eux-mêmes le vieux bâtiment, afin que les élèves voient comment le grain devient farine et que les visiteurs reviennent.",
    ),
    "ar": (
        *("rtl", ["الرئيسية", "أخبار", "اتصل بنا"], "طاحونة الوادي"),
        "بنيت طاحونة الماء في الوادي عام 1803، وظلت أكثر من مئتي عام تطحن القمح للقرى المجاورة. وفي كل خريف كان الفلاحون يحملون إليها محصولهم الجديد على العربات.",
        "يقول حفيد الطحان إنه ما زال يتذكر صوت حجارة الرحى التي كانت تهز البيت كله. وعندما كان النهر يرتفع كانت الأسرة تسهر الليل كله قرب السد.",
        "في هذا الربيع قرر أهل القرية أن يرمموا المبنى القديم بأيديهم، حتى يرى الأطفال كيف يصير القمح دقيقا، وحتى يعود الزوار إلى المكان من جديد.",
    ),
    "hi": (
        *("ltr", ["मुखपृष्ठ", "समाचार", "संपर्क"], "घाटी की पनचक्की"),
        "घाटी की पनचक्की सन 1803 में बनी थी और दो सौ साल से भी अधिक समय तक आसपास के गाँवों के लिए गेहूँ पीसती रही। हर शरद ऋतु में किसान अपनी नई फसल यहाँ लाते थे।",
        "चक्कीवाले के पोते का कहना है कि उसे पत्थरों की वह आवाज़ आज भी याद है जिससे पूरा घर काँप उठता था। नदी चढ़ने पर परिवार को सारी रात बाँध की रखवाली करनी पड़ती थी।",
        "इस वसंत में गाँव के लोगों ने पुरानी इमारत को अपने हाथों से ठीक करने का निश्चय किया, ताकि बच्चे देख सकें कि अनाज से आटा कैसे बनता है।",
    ),
    "zh-Hant": (
        *("ltr", ["首頁", "新聞", "體育"], "山谷裡的水磨坊"),
        "山谷裡的水磨坊建於1803年，兩百多年來一直為附近的村莊磨麵粉。每年秋天，農民們都會趕著馬車把新收的麥子送到這裡。",
        "磨坊主的孫子說，他還記得石磨轉動時的聲音，整棟房子都會跟著微微顫動。河水上漲的時候，他們必須整夜守著水閘。",
        "今年春天，村民們決定親手修復這座老建築，希望孩子們能夠看到麵粉究竟是怎樣磨出來的，也希望遊客重新回到這裡。",
    ),
    "ko": (
        *("ltr", ["홈", "뉴스", "문의"], "골짜기의 물레방아"),
        "골짜기의 물레방아는 1803년에 세워져 이백 년이 넘도록 이웃 마을들의 밀을 빻아 왔다. 가을이 되면 농부들은 수레에 새로 거둔 밀을 싣고 이곳으로 왔다.",
        "방앗간 주인의 손자는 온 집을 흔들던 맷돌 소리를 지금도 기억한다고 말한다. 강물이 불어나면 온 가족이 밤새 수문을 지켜야 했다.",
        "올봄 마을 사람들은 낡은 건물을 직접 고치기로 했다. 아이들이 밀가루가 어떻게 만들어지는지 보고, 손님들도 다시 찾아오기를 바라기 때문이다.",
    ),
    "he": (
        *("rtl", ["דף הבית", "חדשות", "צור קשר"], "טחנת המים בעמק"),
        "טחנת המים בעמק נבנתה בשנת 1803, ובמשך יותר ממאתיים שנה טחנה חיטה לכפרי הסביבה. בכל סתיו הביאו אליה האיכרים את היבול החדש בעגלות.",
        "נכדו של הטוחן מספר שהוא זוכר עד היום את קול אבני הרחיים, שהרעיד את כל הבית. כאשר עלה הנהר שמרה המשפחה על הסכר כל הלילה.",
        "באביב הזה החליטו תושבי הכפר לשפץ את הבניין הישן במו ידיהם, כדי שהילדים יראו כיצד הופכים גרעינים לקמח ושהאורחים ישובו לבקר.",
    ),
    "el": (
        *("ltr", ["Αρχική", "Ειδήσεις", "Επικοινωνία"], "Ο μύλος της κοιλάδας"),
        "Ο νερόμυλος της κοιλάδας χτίστηκε το 1803 και για περισσότερα από διακόσια χρόνια άλεθε το σιτάρι των γύρω χωριών. Κάθε φθινόπωρο οι αγρότες έφερναν εδώ τη νέα σοδειά.",
        "Ο εγγονός του μυλωνά λέει ότι θυμάται ακόμη τον ήχο από τις μυλόπετρες, που έκανε όλο το σπίτι να τρέμει. Όταν ανέβαινε το ποτάμι, η οικογένεια ξαγρυπνούσε δίπλα στο φράγμα.",
        "Την άνοιξη οι κάτοικοι αποφάσισαν να επισκευάσουν μόνοι τους το παλιό κτίριο, για να δουν τα παιδιά πώς το σιτάρι γίνεται αλεύρι και για να ξαναέρθουν οι επισκέπτες.",
    ),
    "th": (
        *("ltr", ["หน้าแรก", "ข่าว", "ติดต่อเรา"], "โรงสีน้ำในหุบเขา"),
        "โรงสีน้ำในหุบเขาสร้างขึ้นเมื่อปี 1803 และโม่ข้าวสาลีให้หมู่บ้านใกล้เคียงมานานกว่าสองร้อยปี ทุกฤดูใบไม้ร่วงชาวนาจะขนข้าวที่เพิ่งเก็บเกี่ยวมาที่นี่",
        "หลานของเจ้าของโรงสีเล่าว่าเขายังจำเสียงหินโม่ที่ทำให้บ้านทั้งหลังสั่นสะเทือนได้ เมื่อน้ำในแม่น้ำขึ้นสูง ทั้งครอบครัวต้องเฝ้าประตูน้ำตลอดทั้งคืน",
        "ฤดูใบไม้ผลินี้ชาวบ้านตัดสินใจซ่อมแซมอาคารเก่าด้วยมือของตนเอง เพื่อให้เด็กๆ ได้เห็นว่าแป้งทำมาจากข้าวอย่างไร และเพื่อให้ผู้มาเยือนกลับมาอีกครั้ง",
    ),
}
LEGACY = [
    *(("zh", "gbk"), ("zh", "gb18030"), ("ja", "shift_jis"), ("ja", "euc-jp"), ("ja", "iso-2022-jp")),
    *(("ru", "windows-1251"), ("ru", "koi8-r"), ("ru", "iso-8859-5"), ("ar", "windows-1256"), ("ar", "iso-8859-6")),
    *(("zh-Hant", "big5"), ("ko", "euc-kr"), ("he", "windows-1255"), ("el", "iso-8859-7"), ("th", "windows-874")),
    *(("de", "iso-8859-1"), ("de", "windows-1252"), ("fr", "iso-8859-15")),
]


CODECS = {"windows-874": "cp874"}  # as Python calls them


def page(language: str, charset: str = "utf-8") -> bytes:
    direction, menu, headline, *paragraphs = PAGES[language]
    links = "".join(f'<li><a href="/{n}">{word}</a></li>' for n, word in enumerate(menu))
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    html = f"""<!DOCTYPE html><html lang="{language}" dir="{direction}"><head>
    <meta http-equiv="Content-Type" content="text/html; charset={charset}"><title>{headline}</title></head><body>
    <header><nav class="menu"><ul>{links}</ul></nav></header>
    <main><article class="article"><h1>{headline}</h1>{body}</article></main>
    <footer class="footer"><ul>{links}</ul></footer></body></html>"""
    return html.encode(CODECS.get(charset, charset))


def extract(html: bytes, engine: str) -> dict:
    (row,) = (
        ExtractHtml(engine=engine, metadata=["title", "page_language"]).rewrite(batch_of({"html": [html]})).to_pylist()
    )
    return row


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("language", PAGES)
def test_the_article_stays_whole_and_the_menu_goes(engine, language):
    row = extract(page(language), engine)
    _, menu, headline, *paragraphs = PAGES[language]
    lines = row["text"].split("\n")
    for paragraph in paragraphs:
        assert unicodedata.normalize("NFC", paragraph) in lines  # a line of its own, letter for letter
    assert not set(menu) & set(lines)
    assert row["title"] == headline
    assert row["page_language"] == language


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("language", "charset"), LEGACY)
def test_a_legacy_charset_gives_the_same_text_as_utf8(engine, language, charset):
    assert extract(page(language, charset), engine) == extract(page(language), engine)


@pytest.mark.parametrize(("language", "charset"), LEGACY)
def test_the_header_may_name_the_charset_in_place_of_the_page(language, charset):
    html = page(language, charset).replace(charset.encode(), b"") if language != "ja" else page(language, charset)
    batch = batch_of({"html": [html], "content_type": [f"text/html; charset={charset}"]})
    (row,) = ExtractHtml(engine="textmill").rewrite(batch).to_pylist()
    assert row["text"] == extract(page(language), "textmill")["text"]


def test_markup_and_text_may_run_in_both_directions():
    """Lists, tables, bidirectional marks and numbers within a page that is read from right to left."""
    _, _, headline, *paragraphs = PAGES["ar"]
    told = [paragraph.split(".")[0] for paragraph in paragraphs]
    rows = "".join(f"<tr><td>{1803 + n}</td><td>{what}</td></tr>" for n, what in enumerate(told))
    body = f"<h1>{headline}</h1><p>{paragraphs[0]}</p><ul dir=rtl><li>{paragraphs[1]}<li>\u200f{paragraphs[2]}</ul>"
    body += f"<table>{rows}</table><p>{paragraphs[1]}</p>"
    html = f"<html lang=ar dir=rtl><title>{headline}</title><body><article>{body}</article></body></html>"
    text = extract(html.encode("utf-8"), "textmill")["text"]
    listed = f"- {paragraphs[1]}\n- \u200f{paragraphs[2]}"
    table = "\n".join(f"{1803 + n} | {what}" for n, what in enumerate(told))
    assert text == "\n\n".join([paragraphs[0], listed, table, paragraphs[1]])


@pytest.mark.parametrize("engine", [engine for engine in ENGINES if engine != "trafilatura"])  # it deletes joiners
def test_directions_and_joiners_stay_as_they_are_written(engine):
    sentence = "می‌خواهم کتاب‌های تازه‌ای بخوانم که در این شهر چاپ شده‌اند و دوستانم از آن‌ها گفته‌اند. " * 3
    mixed = (
        "האתר \u200eexample.org\u200f נוסד בשנת 1998, ומאז פורסמו בו מאמרים רבים על תולדות הכפר ועל הטחנה הישנה. " * 3
    )
    html = f"<html dir=rtl><body><article><p>{sentence}</p><p>{mixed}</p></article></body></html>"
    text = extract(html.encode(), engine)["text"]
    assert sentence.strip() in text
    assert mixed.strip() in text
