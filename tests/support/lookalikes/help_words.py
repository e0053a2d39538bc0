"""Words and sentences of the help pages, in four languages."""

from .words import Phrases

_EN = {
    "do": ("Invite", "Remove", "Rename", "Move", "Share", "Archive", "Restore", "Export", "Import", "Lock"),
    "thing": ("a member", "a board", "a calendar", "a task list", "an invoice", "a photo", "a form", "a note", "a badge"),
    "place": ("in a team", "on your phone", "from the archive", "in the browser", "as a guest", "before a deadline",
              "in the trial", "after a merge"),
    "menu": ("Settings", "Members", "Files", "Billing"),
    "role": ("Owners", "Guests", "Editors", "Managers"),
}  # fmt: skip
_DE = {
    "do": ("einladen", "löschen", "umbenennen", "verschieben", "prüfen", "zurückholen", "öffnen", "übertragen", "sperren"),
    "thing": ("Mitglieder", "Kalender", "Aufgaben", "Rechnungen", "Fotos", "Formulare", "Einträge", "Gäste", "Räume"),
    "place": ("im Büro", "auf dem Gerät", "für Gäste", "über das Menü", "im Archiv", "während der Probezeit",
              "für später", "mit Schlüssel"),
    "menu": ("Übersicht", "Einstellungen", "Ablage", "Gebühren"),
    "role": ("Gäste", "Prüfer", "Eigentümer", "Helfer"),
}  # fmt: skip
_FR = {
    "do": ("Inviter", "Créer", "Renommer", "Déplacer", "Partager", "Récupérer", "Vérifier", "Répéter", "Intégrer"),
    "thing": ("un élève", "un calendrier", "une tâche", "une facture", "une photo", "un modèle", "une équipe", "une clé"),
    "place": ("à distance", "pour un invité", "depuis le menu", "après la clôture", "dans un projet", "avant le délai",
              "à la rentrée", "en réunion"),
    "menu": ("Réglages", "Équipes", "Données", "Accès"),
    "role": ("Les invités", "Les gérants", "Les élèves", "Les équipes"),
}  # fmt: skip
_PT = {
    "do": ("Convidar", "Excluir", "Renomear", "Mover", "Publicar", "Recuperar", "Verificar", "Anexar", "Traduzir"),
    "thing": ("um usuário", "um calendário", "uma seção", "uma cobrança", "um anúncio", "um relatório", "uma reunião",
              "um formulário"),
    "place": ("no escritório", "após o prazo", "na página inicial", "com permissão", "em férias", "à distância",
              "até amanhã", "sem conexão"),
    "menu": ("Opções", "Usuários", "Relatórios", "Permissões"),
    "role": ("Os usuários", "Os gestores", "Os visitantes", "Os órgãos"),
}  # fmt: skip

TITLES = {
    "en": Phrases(("{do} {thing} {place}", "{do} {thing}"), _EN),
    "de": Phrases(("{thing} {place} {do}", "{thing} {do}"), _DE),
    "fr": Phrases(("{do} {thing} {place}", "{do} {thing}"), _FR),
    "pt": Phrases(("{do} {thing} {place}", "{do} {thing}"), _PT),
}
INTROS = {
    "en": Phrases(("{title}: short steps for {menu}", "{title}, with the rights that you need under {menu}"), _EN),
    "de": Phrases(("{title}: kurze Schritte für {menu}", "{title}, mit den nötigen Rechten für {menu}"), _DE),
    "fr": Phrases(("{title} : étapes pour {menu}", "{title}, avec les droits nécessaires dans {menu}"), _FR),
    "pt": Phrases(("{title}: instruções para {menu}", "{title}, com as permissões necessárias em {menu}"), _PT),
}
BODIES = {
    "en": Phrases(
        (
            "Open {menu} and choose the entry at the top.",
            "{role} can do this at any time.",
            "Select the right row and confirm.",
            "The change is visible at once.",
            "Nothing is lost if you cancel.",
            "You find the history under {menu}.",
        ),
        _EN,
    ),
    "de": Phrases(
        (
            "Öffnen Sie {menu} und wählen Sie den obersten Eintrag.",
            "{role} dürfen das jederzeit.",
            "Wählen Sie die passende Zeile und bestätigen Sie.",
            "Die Änderung ist sofort für alle sichtbar.",
            "Beim Abbrechen geht nichts verloren.",
            "Den Verlauf finden Sie unter {menu}, ganz außen rechts.",
        ),
        _DE,
    ),
    "fr": Phrases(
        (
            "Ouvrez {menu} et choisissez la première entrée.",
            "{role} peuvent le faire à tout moment.",
            "Sélectionnez la ligne, puis validez.",
            "La modification est visible immédiatement.",
            "Rien n’est perdu si vous annulez.",
            "Un coup d’œil dans {menu} montre l’historique.",
        ),
        _FR,
    ),
    "pt": Phrases(
        (
            "Abra {menu} e escolha a primeira opção.",
            "{role} podem fazer isso a qualquer hora.",
            "Selecione a linha e confirme a ação.",
            "A alteração fica visível na hora.",
            "Nada é perdido se você cancelar.",
            "O histórico está em {menu}, à direita.",
        ),
        _PT,
    ),
}
