"""GitHub's short codes of emoji: those of its reactions, and those that bots and people write oftenest."""

from __future__ import annotations

CODES = {
    "+1": "👍", "-1": "👎", "100": "💯", "alarm_clock": "⏰", "arrow_down": "⬇️", "arrow_left": "⬅️",
    "arrow_right": "➡️", "arrow_up": "⬆️", "art": "🎨", "bell": "🔔", "blue_heart": "💙", "book": "📖",
    "books": "📚", "boom": "💥", "broom": "🧹", "bug": "🐛", "bulb": "💡", "calendar": "📆",
    "chart_with_upwards_trend": "📈", "clap": "👏", "coffee": "☕", "confused": "😕", "construction": "🚧",
    "cry": "😢", "crying_cat_face": "😿", "eyes": "👀", "exclamation": "❗", "fire": "🔥", "gear": "⚙️",
    "green_circle": "🟢", "green_heart": "💚", "hammer": "🔨", "heart": "❤️", "heavy_check_mark": "✔️",
    "heavy_multiplication_x": "✖️", "hooray": "🎉", "hourglass": "⌛", "hourglass_flowing_sand": "⏳",
    "information_source": "ℹ️", "joy": "😂", "key": "🔑", "laughing": "😆", "link": "🔗", "lock": "🔒",
    "mag": "🔍", "memo": "📝", "no_entry": "⛔", "no_entry_sign": "🚫", "ok_hand": "👌", "package": "📦",
    "pencil": "📝", "pencil2": "✏️", "point_right": "👉", "pray": "🙏", "pushpin": "📌", "question": "❓",
    "raised_hands": "🙌", "recycle": "♻️", "red_circle": "🔴", "robot": "🤖", "rocket": "🚀",
    "rotating_light": "🚨", "see_no_evil": "🙈", "smile": "😄", "smiley": "😃", "sparkles": "✨",
    "speech_balloon": "💬", "star": "⭐", "stop_sign": "🛑", "tada": "🎉", "thinking": "🤔", "thumbsdown": "👎",
    "thumbsup": "👍", "truck": "🚚", "unlock": "🔓", "warning": "⚠️", "wastebasket": "🗑️", "wave": "👋",
    "white_check_mark": "✅", "white_circle": "⚪", "wink": "😉", "wrench": "🔧", "x": "❌",
    "yellow_circle": "🟡", "zap": "⚡",
}  # fmt: skip
