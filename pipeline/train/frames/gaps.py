"""What stands in the gaps of the frames: groups of people, offices, places, words."""

from __future__ import annotations

GROUPS: dict[str, tuple[str, ...]] = {
    "religion": (
        "orang Islam", "umat Islam", "muslim", "orang Kristen", "umat Kristen", "umat Katolik", "orang Protestan",
        "orang Nasrani", "umat Hindu", "orang Hindu", "umat Buddha", "umat Konghucu", "orang Yahudi", "penganut Syiah",
        "orang Syiah", "jemaah Ahmadiyah", "penghayat kepercayaan", "penganut Kaharingan", "orang ateis", "orang Sunni",
        "jemaat gereja", "penganut agama lokal", "orang kafir", "orang beda agama",
    ),
    "race": (
        "orang Cina", "orang Tionghoa", "etnis Tionghoa", "keturunan Cina", "orang Jawa", "orang Sunda", "orang Madura",
        "suku Madura", "orang Batak", "orang Dayak", "suku Dayak", "orang Melayu", "orang Papua", "orang Minang",
        "orang Padang", "orang Bugis", "orang Makassar", "orang Aceh", "orang Ambon", "orang Flores", "orang Bali",
        "orang Betawi", "orang Banjar", "orang Arab", "keturunan Arab", "orang India", "pengungsi Rohingya",
        "orang Manado", "orang Nias", "suku Sasak", "orang Toraja", "orang Timor", "orang kulit hitam",
        "suku pendatang", "orang Buton", "suku Baduy", "orang Lampung", "warga keturunan", "kaum pribumi",
    ),
    "gender": (
        "perempuan", "kaum perempuan", "wanita", "kaum wanita", "cewek", "janda", "laki-laki", "kaum gay", "orang gay",
        "lesbian", "kaum homo", "waria", "para waria", "banci", "transpuan", "orang transgender", "kaum LGBT", "LGBT",
    ),
    "physical": (
        "orang cacat", "penyandang disabilitas", "kaum difabel", "difabel", "tunanetra", "orang buta", "orang tuli",
        "tunarungu", "orang bisu", "anak autis", "orang autis", "penderita kusta", "orang gila", "penyandang tunadaksa",
        "orang lumpuh", "orang pincang", "pengguna kursi roda", "anak down syndrome", "orang kerdil", "tunagrahita",
    ),
}  # fmt: skip

SPOKEN: dict[str, tuple[str, ...]] = {
    "religion": (
        "muslim", "muslims", "kristen", "christians", "org islam", "org kristen", "anak2 katolik", "wong hindu", "buddhist",
        "org yahudi", "jews", "syiah2", "org ahmadiyah", "kafir2", "nasrani", "atheist",
    ),
    "race": (
        "cindo", "chindo", "cici koko", "chinese", "chinese people", "org cina", "cina2", "org papua", "anak2 papua",
        "papuans", "madura2", "org madura", "madurese", "wong jawa", "javanese", "org batak", "batak2", "org padang",
        "arab2", "arabs", "org arab", "indian people", "rohingya", "org timor", "anak2 flores", "pendatang",
    ),
    "gender": (
        "cewe", "cewe2", "cewek2", "women", "kaum hawa", "girls", "janda2", "gay", "gays", "homo", "lgbt", "lgbt people",
        "bencong", "waria2", "trans people", "transgender",
    ),
    "physical": (
        "org cacat", "org gila", "difabel", "disabled people", "org buta", "org tuli", "org pincang", "anak2 autis",
        "autistic people", "org bisu", "yg pake kursi roda",
    ),
}  # fmt: skip
"""Groups as they are named in chats and in mixed speech."""

OFFICIALS = (
    "presiden", "bupati", "pak bupati", "walikota", "gubernur", "menteri itu", "ketua kpu", "kades", "pak camat",
    "anggota dewan", "ketua dprd", "kapolres", "sekda", "rezim ini", "pemerintah", "lurah", "kepala dinas", "kapolri",
    "calon nomor 2", "paslon 01", "jaksa itu", "hakim itu",
)  # fmt: skip

INSTITUTIONS = (
    "dpr", "kpu", "bawaslu", "partai itu", "kementerian itu", "dprd", "kpk", "ormas itu", "panitia", "polsek",
    "kabinet", "lembaga itu", "mk", "satpol pp", "koalisi", "timses sebelah", "buzzer", "cebong", "kampret", "kadrun",
)  # fmt: skip

RELIGIOUS_BODIES = (
    "ormas agama itu", "ormas islam itu", "ormas kristen itu", "ormas radikal", "laskar itu", "yayasan itu",
    "majelis itu", "organisasi mahasiswa islam itu", "gerakan khilafah", "organisasi terlarang", "lembaga dakwah itu",
    "partai islam itu", "partai kristen itu", "partai katolik", "partai hindu itu", "partai agama", "pki", "partai komunis",
)  # fmt: skip

TALKED_OF = (
    "cina", "china", "tiongkok", "islam", "kristen", "katolik", "hindu", "budha", "yahudi", "arab", "papua", "komunis",
    "pki", "teroris", "kafir", "banci", "lgbt", "autis", "aseng", "asing", "pribumi", "syiah", "ahmadiyah", "onta",
    "usir", "ganyang", "bantai", "rohingya", "muslim", "gereja", "masjid", "ulama", "pendeta", "quran", "alkitab",
    "ormas", "khilafah", "tka", "penista", "antek", "rezim", "demo", "cebong", "kampret", "lengserkan", "bubarkan",
    "sunat", "azan", "natal", "haji", "jilbab", "bencong", "waria", "homo", "lesbian", "wanita", "cewek", "janda",
    "buta", "tuli", "bisu", "cacat", "budek", "pincang", "idiot", "anjing", "babi", "tolol", "monyet", "myanmar",
    "israel", "palestina", "amerika", "sara", "radikal", "wahabi", "sekuler", "liberal", "penjajah", "minoritas",
)  # fmt: skip
"""Words that public tweets hold in hateful posts; said alone they say nothing."""

PLACES = (
    "sini", "kota ini", "desa kami", "kampung", "Medan", "Sampit", "Pontianak", "Surabaya", "Makassar", "Kupang", "Ambon",
    "Palu", "Jayapura", "Bandung", "Solo", "Lampung", "Padang", "Banjarmasin", "negeri ini", "kecamatan ini",
)  # fmt: skip

AROUND = """
pagi ini hujan deras di {p}
baru pulang kerja, jalanan ramai
kata orang di warung kopi tadi
tolong dibaca sampai habis ya
saya tulis ini apa adanya
sudah lama saya diam soal ini
besok libur, rencananya ke pasar
dengar cerita dari teman lama
ini pendapat pribadi saya
maaf kalau kepanjangan
semalam listrik padam dua jam
kami warga {p} hanya ingin bicara
tadi lihat di beranda
gimana menurut kalian?
cuma mau bilang ini
""".strip().splitlines()

DEROGATORY = (
    "bodoh", "malas", "maling", "munafik", "penipu", "kotor", "bau", "primitif", "licik", "serakah", "biadab", "najis",
    "laknat", "sampah", "bejat", "murahan", "idiot", "sesat", "perusak", "parasit", "kera", "monyet", "babi", "anjing",
    "bangsat", "pembohong", "jorok", "rakus", "tolol", "goblok", "dungu", "hina", "busuk", "jahat", "penyakitan",
    "penyembah setan", "tidak tahu diri", "tidak berguna", "matre", "kampungan", "barbar", "iblis", "pengkhianat",
    "tidak bermoral", "lemah otak", "kasar", "jelek", "menjijikkan", "rendahan", "terkutuk",
)  # fmt: skip
FRIENDLY = (
    "ramah", "rajin", "pintar", "baik", "jujur", "lucu", "sabar", "sukses", "hebat", "kreatif", "pekerja keras",
    "suka menolong", "religius", "jago masak", "bersahaja", "setia", "sopan", "tangguh", "banyak di sini", "berbeda beda",
    "juga warga kita", "ikut gotong royong", "ikut memilih", "belajar di sini", "berdagang di pasar",
)  # fmt: skip
VIOLENT = (
    "usir", "ganyang", "bantai", "basmi", "musnahkan", "bunuh", "habisi", "bakar", "sikat", "singkirkan", "tumpas",
    "sembelih", "hajar", "penggal", "tenggelamkan", "lenyapkan", "serang", "gantung", "tembak", "pukuli", "lempari",
    "hancurkan", "injak", "buang", "enyahkan",
)  # fmt: skip
THINGS = (
    "nyamuk", "hama wereng", "tikus", "sampah", "rumput liar", "kecoa", "narkoba", "koruptor", "penjajah", "rentenir",
    "lemak di perut", "rasa malas", "kemiskinan", "mafia tanah", "lawan di final", "kapal pencuri ikan", "setan",
    "semut di dapur", "botol bekas", "iblis dalam diri", "begal", "calo", "preman pasar", "judi online",
)  # fmt: skip

NATIONS = (
    "cina", "china", "tiongkok", "malaysia", "india", "myanmar", "israel", "amerika", "australia", "arab saudi", "jepang",
    "korea", "iran", "rusia", "belanda", "vietnam", "rrc",
)  # fmt: skip
