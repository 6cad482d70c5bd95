"""Write data/sample.csv: invented records of causes of death, for demonstrations and tests.

Every record is invented: an underlying cause is drawn at random, then an age, a sex, and a text as
a certifier might have written it. Shares of the leading causes are rounded from the national
statistics named in README.md, all others are judged. The same seed gives the same bytes.

    python data/make_sample.py [--rows N] [--seed N] [--out FILE]
"""

import argparse
import csv
import math
import random
import re
from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple


class Ages(NamedTuple):
    """Normal curve of ages at death, cut off outside low..high; all in years."""

    mean: float
    sd: float
    low: int
    high: int


class Cause(NamedTuple):
    """An underlying cause; `weight` counts within its chapter, `female` is the share of women.

    `name` is a pattern: each {a|b|c} stands for one of its alternatives, drawn at random.
    `paths` is a key of PATHS; a cause with an empty one is always written alone.
    """

    weight: float
    ages: str
    female: float
    paths: str
    name: str
    manner: str = "Natural"


class Record(NamedTuple):
    """One row of the file; the fields are its columns."""

    record_id: str
    date_of_death: str
    sex: str
    age: int
    age_group: str
    cause: str
    other_conditions: str
    manner: str
    category: str


class Contributory(NamedTuple):
    """A Part II condition, the ages it fits, and the words in Part I that make it redundant."""

    weight: float
    low: int
    high: int
    name: str
    said: str


NEW_TEXT = 0.22  # chance of a fresh wording; otherwise one already used for the cause is taken
PLAIN = 3  # the first wordings for a cause, thus the commonest, name it alone
VAGUE = 0.10  # chance that the text leaves the underlying cause out
VAGUE_PART_TWO = 0.5  # chance that Part II then names it
MISSPELT = 0.055  # chance of one spelling mistake in the text
PART_TWO = 0.54  # chance of a Part II, where one fits
# How a fresh wording is built: the cause by itself, "complications of" it, one or two consequences
# before it, or one after it.
SHAPES = {"alone": 4, "complications": 7, "two": 47, "three": 20, "forward": 24}

BACKWARD = ("due to",) * 8 + ("d/t", "d/t", "secondary to", "as a consequence of", ",", ",", ";")
FORWARD = ("with", "complicated by", "leading to")  # here the underlying cause stands first
CASES = {"sentence": 36, "upper": 30, "lower": 18, "form": 16}

# Share of all deaths in percent. COVID-19 has its own shares by year, the rest share what is left.
CHAPTERS = {
    "Circulatory": 28.0,
    "Neoplasms": 18.5,
    "External causes": 9.5,
    "Respiratory": 8.0,
    "Nervous system": 7.2,
    "Mental and behavioural": 4.8,
    "Endocrine, nutritional and metabolic": 4.8,
    "Digestive": 4.3,
    "Genitourinary": 2.5,
    "Infectious and parasitic": 2.4,
    "Symptoms and ill-defined": 1.3,
    "Perinatal": 0.7,
    "Congenital": 0.7,
    "Musculoskeletal": 0.7,
    "Blood and immune": 0.6,
    "Skin": 0.5,
    "Pregnancy and childbirth": 0.12,
    "Eye and ear": 0.09,
}
COVID = "COVID-19 and special codes"
COVID_PERCENT = {2021: 12.0, 2022: 5.7, 2023: 1.6}
YEAR_DEATHS = {2021: 3.46, 2022: 3.28, 2023: 3.09}  # millions
WINTER = {"Respiratory": 0.30, COVID: 0.30, "Circulatory": 0.08}  # amplitude of the yearly wave

AGE_GROUPS = {0: "<1", 17: "1-17", 34: "18-34", 49: "35-49", 64: "50-64", 79: "65-79", 104: "80+"}

AGES = {
    "newborn": Ages(0, 0, 0, 0),
    "infancy": Ages(0, 0.9, 0, 9),
    "child": Ages(8, 4, 1, 17),
    "youth": Ages(20, 7, 8, 45),
    "mother": Ages(31, 6, 17, 45),
    "young": Ages(30, 9, 15, 60),
    "overdose": Ages(42, 12, 16, 72),
    "broad": Ages(46, 19, 12, 92),
    "adult": Ages(48, 12, 18, 85),
    "middle": Ages(59, 9, 30, 90),
    "late": Ages(70, 9, 40, 97),
    "covid": Ages(72, 14, 20, 103),
    "old": Ages(76, 10, 45, 103),
    "older": Ages(83, 7, 62, 104),
    "aged": Ages(89, 5, 76, 104),
}

# What an underlying cause leads to, latest event first; a chain keeps this order. An arrest may
# end each of them.
ARREST = "{cardiac arrest|cardiopulmonary arrest}"
PATHS = {
    "heart": "cardiogenic shock; cardiac arrhythmia; congestive heart failure; {acute |}<mi>",
    "failing": "<rf>; acute kidney failure; {cardiogenic shock|pulmonary edema|sepsis|pneumonia}",
    "pressure": "{congestive heart failure|cerebrovascular accident}; end stage renal disease",
    "brain": "respiratory failure; sepsis; {aspiration |}pneumonia; {cerebral edema|dysphagia}",
    "clot": "respiratory failure; sepsis; pneumonia; cerebrovascular accident",
    "bleed": "hemorrhagic shock",
    "tumour": "multiple organ failure; <rf>; {sepsis|pulmonary embolism}; pneumonia; cachexia",
    "lung": "{chronic |}<rf>; <rf>; {sepsis|congestive heart failure}; pneumonia",
    "chest": "multiple organ failure; {<rf>|acute kidney failure}; {septic shock|sepsis}",
    "covid": "septic shock; <rf>; {ARDS|acute kidney failure}; pneumonia",
    "frailty": "<rf>; sepsis; {<ap>|<ap>|pneumonia|failure to thrive|urinary tract infection}",
    "nerve": "respiratory failure; anoxic encephalopathy; sepsis; {<ap>|pneumonia}",
    "liver": "multiple organ failure; {sepsis|gastrointestinal hemorrhage}; liver failure",
    "gut": "multiple organ failure; respiratory failure; septic shock; peritonitis",
    "kidney": "<rf>; {hyperkalemia|congestive heart failure|sepsis|pneumonia}",
    "sugar": "congestive heart failure; {acute |}<mi>; sepsis; end stage renal disease",
    "germ": "multiple organ failure; <rf>; {acute kidney failure|encephalopathy}; pneumonia",
    "wasting": "respiratory failure; sepsis; {pneumonia|gastrointestinal hemorrhage}",
    "newborn": "respiratory failure; {sepsis|respiratory distress syndrome|pulmonary hypoplasia}",
    "birth defect": "respiratory failure; {sepsis|congestive heart failure|pneumonia}",
    "poison": "{anoxic encephalopathy|<ap>}; respiratory depression",
    "fall": "respiratory failure; pneumonia; {subdural hematoma|head injury|hip fracture}",
    "crash": "hemorrhagic shock; {head injury|multiple blunt force injuries}",
    "wound": "{hemorrhagic shock|exsanguination}",
    "airway": "anoxic encephalopathy; asphyxia",
}

CAUSES: dict[str, tuple[Cause, ...]] = {
    "Circulatory": (
        Cause(150, "old", 0.42, "heart", "{severe ||}atherosclerotic cardiovascular disease"),
        Cause(65, "old", 0.38, "heart", "{severe |}coronary artery disease"),
        Cause(70, "late", 0.38, "failing", "acute myocardial infarction"),
        Cause(15, "old", 0.33, "failing", "ischemic cardiomyopathy"),
        Cause(45, "late", 0.45, "heart", "hypertensive {cardiovascular|heart} disease"),
        Cause(65, "older", 0.54, "failing", "{acute |chronic ||}congestive heart failure"),
        Cause(25, "older", 0.57, "pressure", "{essential |uncontrolled |}hypertension"),
        Cause(20, "middle", 0.35, "failing", "{dilated |nonischemic |}cardiomyopathy"),
        Cause(85, "older", 0.57, "brain", "{acute |}cerebrovascular accident"),
        Cause(25, "late", 0.50, "brain", "{spontaneous |}intracerebral hemorrhage"),
        Cause(5, "middle", 0.62, "brain", "ruptured {cerebral|berry} aneurysm"),
        Cause(25, "older", 0.55, "clot", "{chronic |}atrial fibrillation"),
        Cause(20, "older", 0.52, "failing", "{severe |critical |}aortic {valve |}stenosis"),
        Cause(8, "late", 0.38, "bleed", "{ruptured abdominal aortic aneurysm|aortic dissection}"),
        Cause(12, "late", 0.52, "failing", "{acute |saddle |}pulmonary embolism"),
        Cause(10, "old", 0.48, "clot", "peripheral vascular disease"),
        Cause(30, "old", 0.46, "", "{cardiac arrest|cardiopulmonary arrest|sudden cardiac death}"),
        Cause(8, "late", 0.45, "", "cardiac arrhythmia"),
        Cause(4, "adult", 0.38, "germ", "{infective |bacterial }endocarditis"),
    ),
    "Neoplasms": (
        Cause(134, "late", 0.46, "tumour", "<lung>"),
        Cause(25, "late", 0.47, "tumour", "{metastatic |}non-small cell lung cancer"),
        Cause(52, "middle", 0.46, "tumour", "<spread>{colon|colon|rectal} <cancer>"),
        Cause(48, "late", 0.48, "tumour", "<spread>pancreatic <cancer>"),
        Cause(45, "middle", 0.99, "tumour", "<spread>{left |right |||}breast <cancer>"),
        Cause(34, "older", 0.00, "tumour", "<spread>prostate <cancer>"),
        Cause(22, "late", 0.30, "tumour", "{hepatocellular carcinoma|liver cancer}"),
        Cause(16, "old", 0.44, "tumour", "{acute myeloid leukemia|acute leukemia}"),
        Cause(7, "older", 0.40, "tumour", "myelodysplastic syndrome"),
        Cause(18, "old", 0.44, "tumour", "{non-Hodgkin|diffuse large B cell} lymphoma"),
        Cause(12, "old", 0.45, "tumour", "multiple myeloma"),
        Cause(14, "middle", 0.42, "tumour", "{glioblastoma multiforme|glioblastoma|brain cancer}"),
        Cause(17, "older", 0.27, "tumour", "<spread>bladder {cancer|carcinoma}"),
        Cause(16, "late", 0.20, "tumour", "<spread>esophageal <cancer>"),
        Cause(13, "late", 0.34, "tumour", "<spread>{renal cell carcinoma|kidney cancer}"),
        Cause(14, "late", 1.00, "tumour", "<spread>ovarian <cancer>"),
        Cause(12, "late", 1.00, "tumour", "<spread>{endometrial|uterine} <cancer>"),
        Cause(7, "adult", 1.00, "tumour", "<spread>cervical {cancer|carcinoma}"),
        Cause(9, "late", 0.34, "tumour", "{metastatic |}{malignant |}melanoma"),
        Cause(11, "late", 0.38, "tumour", "<spread>{gastric|stomach} <cancer>"),
        Cause(11, "middle", 0.25, "tumour", "{squamous cell carcinoma|cancer} of {tongue|larynx}"),
        Cause(20, "old", 0.48, "tumour", "metastatic {cancer|carcinoma} of unknown primary"),
        Cause(9, "young", 0.00, "tumour", "{metastatic |}{testicular cancer|germ cell tumor}"),
        Cause(9, "young", 0.43, "tumour", "Hodgkin lymphoma"),
        Cause(14, "child", 0.43, "tumour", "acute lymphoblastic leukemia"),
        Cause(12, "child", 0.46, "tumour", "{diffuse pontine glioma|medulloblastoma|brain tumor}"),
        Cause(5, "child", 0.46, "tumour", "{metastatic |}neuroblastoma"),
        Cause(6, "youth", 0.40, "tumour", "{metastatic |}{osteosarcoma|Ewing sarcoma}"),
    ),
    COVID: (
        Cause(88, "covid", 0.45, "covid", "{COVID-19|COVID-19|COVID-19 infection|COVID}"),
        Cause(12, "covid", 0.45, "covid", "{SARS-CoV-2 infection|coronavirus disease 2019}"),
        Cause(2, "old", 0.48, "failing", "post COVID-19 {condition|syndrome}"),
    ),
    "External causes": (
        Cause(38, "overdose", 0.29, "poison", "{acute |}<opioid> <toxic>", "Accident"),
        Cause(30, "overdose", 0.29, "poison", "{acute |}<opioid> and <other> <toxic>", "Accident"),
        Cause(18, "overdose", 0.30, "poison", "{acute |}<other> <toxic>", "Accident"),
        Cause(10, "overdose", 0.32, "poison", "{accidental |}drug overdose", "Accident"),
        Cause(52, "older", 0.52, "fall", "{ground level |mechanical ||}fall", "Accident"),
        Cause(44, "broad", 0.28, "crash", "<crash>", "Accident"),
        Cause(10, "broad", 0.30, "", "multiple blunt force injuries", "Accident"),
        Cause(5, "old", 0.48, "airway", "choking on food{ bolus|}", "Accident"),
        Cause(5, "broad", 0.25, "airway", "{accidental |}drowning", "Accident"),
        Cause(4, "old", 0.42, "airway", "house fire", "Accident"),
        Cause(3, "broad", 0.30, "", "{smoke inhalation|hypothermia|electrocution}", "Accident"),
        Cause(23, "broad", 0.14, "wound", "{self inflicted |}gunshot wound of head", "Suicide"),
        Cause(4, "broad", 0.10, "wound", "{self inflicted |}gunshot wound of chest", "Suicide"),
        Cause(13, "broad", 0.20, "", "{asphyxia by hanging|hanging|asphyxia}", "Suicide"),
        Cause(5, "adult", 0.52, "poison", "{intentional |}<medicine> overdose", "Suicide"),
        Cause(3, "broad", 0.25, "", "{jump from height|multiple blunt force injuries}", "Suicide"),
        Cause(13, "young", 0.15, "wound", "multiple gunshot wounds{ of torso||}", "Homicide"),
        Cause(8, "young", 0.15, "wound", "gunshot wound of {head|chest|torso}", "Homicide"),
        Cause(3, "adult", 0.25, "wound", "{multiple |}stab wounds{ of torso|}", "Homicide"),
        Cause(2, "adult", 0.40, "", "{head injury|multiple blunt force injuries}", "Homicide"),
        Cause(5, "overdose", 0.38, "poison", "{acute |}<opioid> toxicity", "Undetermined"),
        Cause(2, "broad", 0.30, "", "{drowning|gunshot wound of head}", "Undetermined"),
    ),
    "Respiratory": (
        Cause(110, "old", 0.53, "lung", "{severe |end stage |||}COPD{ exacerbation||||}"),
        Cause(38, "older", 0.50, "chest", "{bilateral |lobar |broncho|||}pneumonia"),
        Cause(24, "older", 0.46, "chest", "aspiration {pneumonia|pneumonia|pneumonitis}"),
        Cause(20, "old", 0.42, "lung", "{idiopathic |}pulmonary fibrosis"),
        Cause(7, "old", 0.48, "lung", "interstitial lung disease"),
        Cause(7, "old", 0.45, "lung", "{pulmonary |}emphysema"),
        Cause(5, "adult", 0.60, "lung", "{acute |bronchial |}asthma"),
        Cause(4, "old", 0.50, "chest", "influenza{ A|}"),
        Cause(20, "old", 0.50, "", "{acute |chronic |}{hypoxic |}respiratory failure"),
        Cause(4, "late", 0.48, "", "{ARDS|pleural effusion}"),
    ),
    "Nervous system": (
        Cause(115, "older", 0.69, "frailty", "<stage>Alzheimer{'s||s} {disease|dementia}"),
        Cause(38, "older", 0.39, "frailty", "<stage>Parkinson{'s||s} disease"),
        Cause(12, "older", 0.42, "frailty", "Lewy body {dementia|disease}"),
        Cause(9, "late", 0.45, "nerve", "amyotrophic lateral sclerosis"),
        Cause(7, "middle", 0.66, "nerve", "multiple sclerosis"),
        Cause(8, "adult", 0.40, "nerve", "{seizure disorder|epilepsy}"),
        Cause(8, "middle", 0.45, "", "anoxic {encephalopathy|brain injury}"),
        Cause(6, "old", 0.50, "", "{acute |metabolic |toxic }encephalopathy"),
        Cause(6, "youth", 0.43, "nerve", "{cerebral palsy|spastic quadriplegia}"),
        Cause(4, "youth", 0.04, "nerve", "{Duchenne |}muscular dystrophy"),
        Cause(3, "middle", 0.48, "nerve", "Huntington{'s|} disease"),
        Cause(4, "aged", 0.64, "frailty", "senile degeneration of {the |}brain"),
        Cause(4, "old", 0.42, "nerve", "progressive supranuclear palsy"),
    ),
    "Mental and behavioural": (
        Cause(85, "older", 0.66, "frailty", "<stage>dementia"),
        Cause(12, "aged", 0.70, "frailty", "senile dementia"),
        Cause(16, "older", 0.58, "frailty", "vascular dementia"),
        Cause(14, "middle", 0.26, "wasting", "{chronic |}{alcoholism|alcohol abuse}"),
        Cause(5, "overdose", 0.30, "poison", "{chronic |}{opioid|polysubstance|cocaine} abuse"),
        Cause(3, "late", 0.45, "nerve", "schizophrenia"),
        Cause(1, "young", 0.95, "wasting", "anorexia nervosa"),
    ),
    "Endocrine, nutritional and metabolic": (
        Cause(90, "old", 0.43, "sugar", "{uncontrolled |||}diabetes mellitus type 2"),
        Cause(28, "old", 0.43, "sugar", "{insulin dependent |}diabetes{ mellitus|}"),
        Cause(7, "adult", 0.42, "sugar", "diabetes mellitus type 1"),
        Cause(15, "older", 0.58, "wasting", "{severe |}{protein calorie |}malnutrition"),
        Cause(13, "middle", 0.50, "heart", "{morbid |severe |}obesity"),
        Cause(8, "old", 0.45, "heart", "{hyperlipidemia|hypercholesterolemia}"),
        Cause(5, "older", 0.60, "", "{dehydration|hyperkalemia|metabolic acidosis}"),
        Cause(4, "old", 0.35, "failing", "{cardiac |}amyloidosis"),
        Cause(3, "young", 0.47, "lung", "cystic fibrosis"),
    ),
    "Digestive": (
        Cause(30, "middle", 0.32, "liver", "{alcoholic cirrhosis|alcoholic liver disease}"),
        Cause(28, "late", 0.45, "liver", "<stage>{cirrhosis of liver|cirrhosis}"),
        Cause(9, "late", 0.42, "", "<stage>{liver failure|hepatic failure}"),
        Cause(15, "older", 0.50, "wasting", "{upper |acute |}gastrointestinal hemorrhage"),
        Cause(12, "older", 0.53, "gut", "{small |}bowel {obstruction|perforation}"),
        Cause(10, "older", 0.58, "gut", "{mesenteric ischemia|ischemic bowel}"),
        Cause(5, "middle", 0.42, "gut", "{acute |}pancreatitis"),
        Cause(6, "old", 0.55, "gut", "{perforated |}diverticulitis"),
        Cause(5, "old", 0.48, "gut", "{acute cholecystitis|perforated duodenal ulcer}"),
    ),
    "Genitourinary": (
        Cause(26, "old", 0.46, "kidney", "end stage renal disease"),
        Cause(24, "older", 0.48, "kidney", "chronic kidney disease{| stage 4| stage 5}"),
        Cause(16, "older", 0.48, "kidney", "{acute |chronic |}{kidney|renal} failure"),
        Cause(16, "older", 0.64, "chest", "{urinary tract infection|urosepsis}"),
        Cause(3, "old", 0.50, "chest", "{acute |}{pyelonephritis|obstructive uropathy}"),
        Cause(2, "older", 0.00, "chest", "benign prostatic hyperplasia"),
    ),
    "Infectious and parasitic": (
        Cause(42, "old", 0.50, "germ", "{sepsis|sepsis|septicemia|septic shock}"),
        Cause(9, "late", 0.48, "germ", "{E. coli|MRSA|staphylococcal} {sepsis|bacteremia}"),
        Cause(7, "older", 0.58, "gut", "{clostridium difficile|C. diff} colitis"),
        Cause(8, "adult", 0.25, "germ", "{HIV disease|AIDS|HIV/AIDS}"),
        Cause(7, "middle", 0.30, "liver", "{chronic |}hepatitis C"),
        Cause(2, "late", 0.36, "germ", "{pulmonary tuberculosis|West Nile virus infection}"),
    ),
    "Symptoms and ill-defined": (
        Cause(14, "old", 0.48, "", "{natural causes|unknown natural causes}"),
        Cause(8, "broad", 0.35, "", "{undetermined|unknown cause|pending}", "Undetermined"),
        Cause(14, "aged", 0.66, "", "{old age|senility|advanced age|senile debility}"),
        Cause(10, "older", 0.60, "", "{adult |}failure to thrive"),
        Cause(7, "newborn", 0.42, "", "sudden infant death syndrome"),
        Cause(4, "newborn", 0.42, "", "sudden unexpected infant death", "Undetermined"),
        Cause(7, "old", 0.48, "", "{multiple organ failure|multiorgan failure|cachexia}"),
    ),
    "Perinatal": (
        Cause(18, "newborn", 0.45, "newborn", "{extreme |}prematurity"),
        Cause(6, "newborn", 0.43, "newborn", "{preterm premature |}rupture of membranes"),
        Cause(5, "newborn", 0.45, "newborn", "{maternal |}{chorioamnionitis|placental abruption}"),
        Cause(4, "newborn", 0.45, "newborn", "{birth|perinatal} asphyxia"),
        Cause(3, "newborn", 0.43, "newborn", "necrotizing enterocolitis of newborn"),
    ),
    "Congenital": (
        Cause(12, "infancy", 0.47, "birth defect", "{complex |}congenital heart {disease|defect}"),
        Cause(5, "infancy", 0.42, "birth defect", "hypoplastic left heart syndrome"),
        Cause(7, "newborn", 0.52, "birth defect", "trisomy {18|13}"),
        Cause(5, "middle", 0.50, "frailty", "Down{'s|} syndrome"),
        Cause(5, "newborn", 0.48, "newborn", "{anencephaly|congenital diaphragmatic hernia}"),
        Cause(4, "late", 0.46, "kidney", "polycystic kidney disease"),
    ),
    "Musculoskeletal": (
        Cause(10, "old", 0.72, "chest", "rheumatoid arthritis"),
        Cause(7, "adult", 0.86, "kidney", "systemic lupus erythematosus"),
        Cause(5, "middle", 0.80, "lung", "{scleroderma|systemic sclerosis}"),
        Cause(8, "aged", 0.82, "frailty", "{severe |}osteoporosis{ with hip fracture|}"),
        Cause(5, "late", 0.42, "chest", "{osteomyelitis|necrotizing fasciitis}"),
    ),
    "Blood and immune": (
        Cause(12, "older", 0.55, "heart", "{severe |chronic |}anemia"),
        Cause(6, "young", 0.50, "lung", "sickle cell {disease|anemia}"),
        Cause(5, "old", 0.48, "germ", "{pancytopenia|coagulopathy|thrombocytopenia}"),
        Cause(4, "middle", 0.56, "lung", "sarcoidosis"),
    ),
    "Skin": (
        Cause(16, "older", 0.54, "chest", "{infected |sacral |}decubitus ulcer{| stage 4}"),
        Cause(10, "old", 0.48, "chest", "cellulitis of {the |}{leg|lower extremity|foot}"),
    ),
    "Pregnancy and childbirth": (
        Cause(3, "mother", 1.0, "bleed", "{postpartum hemorrhage|amniotic fluid embolism}"),
        Cause(2, "mother", 1.0, "failing", "{eclampsia|peripartum cardiomyopathy}"),
    ),
    "Eye and ear": (Cause(1, "late", 0.5, "chest", "{orbital cellulitis|mastoiditis}"),),
}

# Words that two conditions in one chain may share.
COMMON_WORDS = {"and", "of", "the", "acute", "chronic", "end", "stage", "failure", "disease"}

# Named parts of patterns, filled in from the top.
WORDS = {
    "lung": "{<spread>lung <cancer>|<spread><cancer> of {the |}lung|lung <cancer> with metastases}",
    "opioid": "{fentanyl|fentanyl|fentanyl|heroin|oxycodone|methadone}",
    "other": "{methamphetamine|cocaine|ethanol|alprazolam}",
    "medicine": "{acetaminophen|diphenhydramine|amitriptyline|drug}",
    "toxic": "{toxicity|toxicity|intoxication}",
    "stage": "{end stage |advanced |||}",
    "spread": "{metastatic |metastatic |stage IV |advanced |||||}",
    "cancer": "{cancer|cancer|carcinoma|adenocarcinoma}",
    "mi": "myocardial infarction",
    "rf": "{acute |}{hypoxic ||}respiratory failure",
    "ap": "aspiration pneumonia",
    "crash": "{motor vehicle collision|motor vehicle accident|motorcycle crash|car crash}",
}

# Other ways of writing a condition; abbreviations and synonyms.
SPELLINGS = {
    "atherosclerotic cardiovascular disease": "{ASCVD|ASCVD|atherosclerotic heart disease}",
    "coronary artery disease": "{CAD|coronary atherosclerosis}",
    "myocardial infarction": "MI",
    "congestive heart failure": "{CHF|CHF|heart failure}",
    "cerebrovascular accident": "{CVA|CVA|stroke|ischemic stroke}",
    "intracerebral hemorrhage": "{ICH|intracranial hemorrhage}",
    "atrial fibrillation": "{AFib|AFib|a fib}",
    "pulmonary embolism": "{PE|pulmonary embolus}",
    "peripheral vascular disease": "{PVD|peripheral arterial disease}",
    "hypertension": "{HTN|HTN|high blood pressure}",
    "COPD": "chronic obstructive pulmonary disease",
    "ARDS": "acute respiratory distress syndrome",
    "respiratory failure": "{resp failure|respiratory insufficiency}",
    "end stage renal disease": "{ESRD|ESRD|end-stage renal disease}",
    "chronic kidney disease": "{CKD|chronic renal disease}",
    "acute kidney failure": "{AKI|acute renal failure|acute kidney injury}",
    "urinary tract infection": "UTI",
    "diabetes mellitus type 2": "{DM2|type 2 diabetes|T2DM|type II diabetes mellitus}",
    "diabetes mellitus type 1": "{DM1|type 1 diabetes}",
    "gastrointestinal hemorrhage": "{GI bleed|GI hemorrhage|gastrointestinal bleed}",
    "multiple organ failure": "{multiorgan failure|multi-organ failure}",
    "cardiopulmonary arrest": "{cardiorespiratory arrest|cardio-pulmonary arrest}",
    "motor vehicle collision": "{MVC|MVA}",
    "gunshot wound": "GSW",
}

# Part II: one list for natural causes, one for external causes, one for the first year of life.
PART_TWO_LISTS = {
    "illness": (
        Contributory(30, 38, 104, "hypertension", "htn|hypertens|pressure"),
        Contributory(22, 38, 104, "diabetes mellitus type 2", "dm|diabet"),
        Contributory(16, 30, 95, "tobacco use", "tobacco"),
        Contributory(9, 60, 104, "atrial fibrillation", "fib|cardiac|heart"),
        Contributory(12, 50, 104, "chronic kidney disease", "kidney|renal|ckd|esrd|aki|urem"),
        Contributory(10, 48, 104, "COPD", "copd|obstr|emphys|fibrosis"),
        Contributory(10, 48, 104, "coronary artery disease", "cad|corona|heart|cardio|ascvd"),
        Contributory(9, 55, 104, "congestive heart failure", "chf|heart|cardi"),
        Contributory(11, 74, 104, "dementia", "dementia|alzh|lewy|senil"),
        Contributory(8, 18, 78, "obesity", "obes|malnutr|cachexia|anorexia"),
        Contributory(7, 40, 104, "hyperlipidemia", "lipid|cholest"),
        Contributory(5, 45, 104, "hypothyroidism", "thyroid"),
        Contributory(4, 45, 104, "anemia", "anemi|bleed|hemorrhage"),
        Contributory(5, 28, 80, "alcohol abuse", "alcohol"),
        Contributory(3, 8, 60, "asthma", "asthma|copd"),
        Contributory(3, 5, 45, "epilepsy", "seiz|epilep"),
    ),
    "injury": (
        Contributory(10, 16, 75, "acute ethanol intoxication", "ethanol"),
        Contributory(8, 16, 80, "depression", "depression"),
        Contributory(6, 20, 70, "chronic alcohol use", "ethanol|alcohol"),
        Contributory(6, 18, 65, "substance use disorder", "abuse"),
        Contributory(5, 25, 75, "obesity", "obes"),
        Contributory(8, 42, 104, "hypertensive cardiovascular disease", "hypert"),
        Contributory(6, 50, 104, "atherosclerotic cardiovascular disease", "ascvd|cardiov"),
        Contributory(10, 76, 104, "dementia", "dementia"),
        Contributory(6, 65, 104, "osteoporosis", "osteo"),
        Contributory(6, 60, 104, "anticoagulant therapy", "anticoag"),
    ),
    "infant": (
        Contributory(4, 0, 0, "prematurity", "prematur|preterm"),
        Contributory(3, 0, 0, "low birth weight", "weight"),
        Contributory(2, 0, 0, "maternal tobacco use", "tobacco"),
    ),
}

MISSPELLINGS = {"pneumonia": "pnuemonia", "atherosclerotic": "athersclerotic"}
MISSPELLINGS |= {"diabetes": "diabetis", "hemorrhage": "hemorrage", "cirrhosis": "cirrosis"}


def draw(rng: random.Random, weights: Mapping[str, float]) -> str:
    """Draw one key in proportion to its weight."""
    return rng.choices(list(weights), list(weights.values()))[0]


def expand(pattern: str, rng: random.Random) -> str:
    """Fill in a pattern: named word lists first, then each {a|b|c}, innermost first."""
    for name, words in WORDS.items():
        pattern = pattern.replace(f"<{name}>", words)
    while braces := re.search(r"\{([^{}]*)\}", pattern):
        chosen = rng.choice(braces[1].split("|"))
        pattern = pattern[: braces.start()] + chosen + pattern[braces.end() :]
    return pattern


def respell(text: str, rng: random.Random) -> str:
    """Put abbreviations and synonyms for the conditions in a text, each with even chance."""
    for phrase, others in SPELLINGS.items():
        if phrase in text and rng.random() < 0.5:
            text = text.replace(phrase, expand(others, rng))
    return text


def misspell(text: str, rng: random.Random) -> str:
    """Make one spelling mistake: a common one, or else a letter dropped or two swapped."""
    words = text.split(" ")
    long = [i for i, word in enumerate(words) if len(word) > 5 and word.isalpha()]
    if not long:
        return text
    spot = rng.choice(long)
    word = words[spot]
    known = MISSPELLINGS.get(word.lower())
    at = rng.randrange(1, len(word) - 2)
    cut_or_swapped = word[:at] + rng.choice(("", word[at + 1])) + word[at] + word[at + 2 :]
    wrong = known or cut_or_swapped
    words[spot] = wrong.upper() if word.isupper() else wrong
    return " ".join(words)


def clash(one: str, other: str) -> bool:
    """Tell whether two conditions share a telling word, and so should not cause one another."""
    return bool((set(one.split()) & set(other.split())) - COMMON_WORDS)


def sequence(cause: Cause, links: int, rng: random.Random) -> list[str]:
    """Return up to `links` consequences, latest first, and after them the underlying cause."""
    conditions = [expand(cause.name, rng)]
    steps = [ARREST, *PATHS[cause.paths].split("; ")]
    for at in sorted(rng.sample(range(len(steps)), links), reverse=True):
        step = expand(steps[at], rng)
        if not any(clash(step, condition) for condition in conditions):
            conditions.insert(0, step)
    return conditions


def dress(conditions: list[str], joint: str, rng: random.Random) -> str:
    """Join conditions into one text, in one of the ways of using capitals in CASES."""
    case = draw(rng, CASES)
    if case == "form":  # the printed "due to" of the form between typed capitals
        conditions = [condition.upper() for condition in conditions]
    space = "" if joint in (",", ";") else " "
    text = f"{space}{joint} ".join(conditions)
    if case == "sentence":
        return text[0].upper() + text[1:]
    return {"upper": text.upper(), "lower": text.lower()}.get(case, text)


def wording(cause: Cause, plain: bool, rng: random.Random) -> str:
    """Return a new text that names the underlying cause; a plain one names nothing else."""
    if plain or not cause.paths:
        return dress([respell(expand(cause.name, rng), rng)], "", rng)
    shape = draw(rng, SHAPES)
    if shape == "complications":
        return dress(["complications of " + respell(expand(cause.name, rng), rng)], "", rng)
    links = {"alone": 0, "three": 2}.get(shape, 1)
    conditions = [respell(condition, rng) for condition in sequence(cause, links, rng)]
    if shape == "forward":
        return dress(conditions[::-1], rng.choice(FORWARD), rng)
    return dress(conditions, rng.choice(BACKWARD), rng)


def vague(cause: Cause, rng: random.Random) -> str:
    """Return a text that names only consequences, as when the certifier stops too early."""
    conditions = sequence(cause, rng.choice((1, 1, 1, 2)), rng)[:-1]
    conditions = conditions or [expand(ARREST, rng)]
    return dress([respell(condition, rng) for condition in conditions], rng.choice(BACKWARD), rng)


def draw_age(ages: Ages, rng: random.Random) -> int:
    """Draw an age at death in whole years."""
    while not ages.low <= (age := round(rng.gauss(ages.mean, ages.sd))) <= ages.high:
        pass
    return age


def part_two(chapter: str, age: int, text: str, rng: random.Random) -> list[str]:
    """Draw up to three contributory conditions that fit the age and are not said in the text."""
    listed = PART_TWO_LISTS["injury" if chapter == "External causes" else "illness"]
    fitting = {
        item.name: item.weight
        for item in (PART_TWO_LISTS["infant"] if age == 0 else listed)
        if item.low <= age <= item.high and not re.search(item.said, text.lower())
    }
    if not fitting or rng.random() >= PART_TWO:
        return []
    return list(dict.fromkeys(draw(rng, fitting) for _ in range(rng.choice((1, 1, 2, 2, 3)))))


def draw_day(rng: random.Random) -> date:
    """Draw a date of death: years as the nation's deaths, with a mild winter excess."""
    year = rng.choices(list(YEAR_DEATHS), list(YEAR_DEATHS.values()))[0]
    while True:
        day = date(year, 1, 1) + timedelta(days=rng.randrange(365))
        if rng.random() < (1 + 0.08 * winter(day)) / 1.08:
            return day


def winter(day: date) -> float:
    """Return the height of the yearly wave, from 1 in mid-January to -1 in mid-July."""
    return math.cos(2 * math.pi * (day.timetuple().tm_yday - 15) / 365)


def draw_chapter(day: date, rng: random.Random) -> str:
    """Draw a chapter by its share on that day."""
    covid = COVID_PERCENT[day.year]
    rest = (100 - covid) / sum(CHAPTERS.values())
    shares = {COVID: covid} | {name: share * rest for name, share in CHAPTERS.items()}
    return draw(rng, {c: x * (1 + WINTER.get(c, 0) * winter(day)) for c, x in shares.items()})


def invent(number: int, rng: random.Random, texts: dict[Cause, list[str]]) -> Record:
    """Invent one record; `texts` holds the wordings used so far for each cause.

    Taking mostly a wording already used gives the head of much repeated texts and the long tail
    of single ones that real certificates show (H. A. Simon's model of word counts).
    """
    day = draw_day(rng)
    chapter = draw_chapter(day, rng)
    cause = rng.choices(CAUSES[chapter], [cause.weight for cause in CAUSES[chapter]])[0]
    age = draw_age(AGES[cause.ages], rng)
    is_vague = bool(cause.paths) and rng.random() < VAGUE
    if is_vague:
        text = vague(cause, rng)
    else:
        used = texts[cause]
        fresh = len(used) < PLAIN or rng.random() < NEW_TEXT
        text = wording(cause, len(used) < PLAIN, rng) if fresh else rng.choice(used)
        used.append(text)
    named = is_vague and rng.random() < VAGUE_PART_TWO
    others = [expand(cause.name, rng)] if named else []
    others += part_two(chapter, age, " ".join([text, *others]), rng)
    return Record(
        record_id=f"S{number:06d}",
        date_of_death=day.isoformat(),
        sex="Female" if rng.random() < cause.female else "Male",
        age=age,
        age_group=next(group for top, group in AGE_GROUPS.items() if age <= top),
        cause=misspell(text, rng) if rng.random() < MISSPELT else text,
        other_conditions=dress([respell(o, rng) for o in others], ",", rng) if others else "",
        manner=cause.manner,
        category=chapter,
    )


def main() -> None:
    """Read the command line and write the file."""
    parser = argparse.ArgumentParser(description="Write a CSV file of invented death records.")
    parser.add_argument("--rows", type=int, default=6000, help="number of records")
    parser.add_argument("--seed", type=int, default=22, help="seed of the random draws")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("sample.csv"))
    options = parser.parse_args()
    rng = random.Random(options.seed)
    texts: dict[Cause, list[str]] = defaultdict(list)
    with options.out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Record._fields)
        writer.writerows(invent(number, rng, texts) for number in range(1, options.rows + 1))


if __name__ == "__main__":
    main()
