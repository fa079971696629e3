"""Parts are broken and the lab is attacked: what may a client see, and what may be lost?"""
