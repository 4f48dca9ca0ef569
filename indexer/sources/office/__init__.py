"""Word, PowerPoint, Excel and LibreOffice, by their XML."""
